"""What happens between git's hooks and the queue? Inspect in quarantine, pack the source, queue, tell, move the refs.

A push is refused when its deploy fails: the refs move once the release is current. The truth about a branch is a row;
git's refs follow it (`branches.py`), also when this push is gone by then.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import structlog

from paas.commands.follow import Outcome, follow_lines, outcome_of
from paas.commands.pushes import PushedSource, QueuedPush
from paas.commands.repositories import GitApp, commits_before, deploy_branch_of, deploy_push
from paas.context import Context
from paas.errors import BadInputError, ConflictError, PaasError, UnavailableError
from paas.ports import CommitFacts, GitHost, Say
from paas.rules.jobs import Push
from paas.rules.push import MOST_REFS, PushPlan, RefUpdate, plan_push, read_options
from paas.rules.tree import TreeLimits, check_pointers, check_tree
from paas.ssh.branches import BranchFollower
from paas.ssh.hooks import HookRequest

LONGEST_REASON = 300

log = structlog.get_logger(__name__)


class PushSession:
    """One `git push` to one app. The methods run in the threads of its hooks, one after the other."""

    def __init__(self, ctx: Context, app: GitApp, repositories: GitHost, branches: BranchFollower) -> None:
        self._ctx = ctx
        self._app = app
        self._git = repositories
        self._branches = branches
        settings = ctx.on.settings
        self._limits = TreeLimits(settings.file_limit, settings.source_limit)
        self._inbox = settings.folder("inbox", "ssh")
        self._inspected: dict[str, CommitFacts] = {}
        self.has_answered = False  # a hook, with a refusal or with the end of a deploy

    def inspect(self, request: HookRequest, say: Say) -> str:
        """What is refused here never leaves git's quarantine."""
        try:
            if len(request.updates) > MOST_REFS:
                said = f"A push has at most {MOST_REFS:,} refs, this one has {len(request.updates):,}"
                raise BadInputError(said, "the branch alone: git push paas BRANCH", code="too-many-refs")
            read_options(request.options)
            plan = self._plan(request)
            if plan.deploy is not None and plan.deploy.new is not None:
                self._look_at(plan.deploy.new, Path(request.quarantine) if request.quarantine else None)
        except PaasError as error:
            self.has_answered = True
            say_no(error, say)
            return error.message
        return ""

    def receive(self, request: HookRequest, say: Say) -> dict[str, str]:
        """Deploy, and answer for each ref. Raises nothing that a person should read."""
        self.has_answered = True
        plan = self._plan(request)
        if plan.deploy is None:
            return plan.refused
        wanted = (plan.deploy, *plan.tags)
        try:
            outcome = self._deploy(plan, read_options(request.options), say)
        except PaasError as error:
            say_no(error, say)
            outcome = Outcome("failed", error.code, error.message, error.hint)
        if not outcome.succeeded:
            return plan.refused | {update.ref: _reason(outcome) for update in wanted}
        return plan.refused | self._move(wanted)

    def _plan(self, request: HookRequest) -> PushPlan:
        configured = deploy_branch_of(self._ctx, self._app.id)
        return plan_push(self._app.name, request.updates, configured, is_atomic=request.is_atomic)

    def _look_at(self, commit: str, quarantine: Path | None) -> None:
        facts = self._git.facts(self._app.id, commit, quarantine)
        if facts.commit != commit:  # a branch that names a tag is one that git cannot move
            raise BadInputError(
                f"{commit[:12]} is an annotated tag, a branch is moved to a commit",
                f"git push paas TAG^{{}}:main deploys the commit {facts.commit[:12]}",
                code="not-a-commit",
            )
        pointers = check_tree(self._git.entries(self._app.id, commit, quarantine), self._limits)
        contents = self._git.blobs(self._app.id, [entry.object for entry in pointers], quarantine)
        check_pointers(zip((entry.path for entry in pointers), contents, strict=True))
        self._inspected[commit] = facts

    def _deploy(self, plan: PushPlan, no_cache: bool, say: Say) -> Outcome:
        order = self._order(plan)
        source = self._pack(order)
        try:
            queued = deploy_push(self._ctx, self._app.id, source, order, no_cache=no_cache)
        except BaseException:
            self._drop(source.file)
            raise
        _say_place(queued, say)
        outcome = self._watch(queued.job_id, say)
        self._drop(source.file)  # not before the job has ended: until then the worker may want it again
        return outcome

    def _order(self, plan: PushPlan) -> Push:
        if plan.branch is None or plan.deploy is None or plan.deploy.new is None:
            raise ValueError("this push deploys nothing")
        commit = plan.deploy.new
        ancestors = self._git.ancestors_among(self._app.id, commit, commits_before(self._ctx, self._app.id))
        return Push(
            branch=plan.branch,
            old=plan.deploy.old,
            new=commit,
            descends_from=tuple(ancestors),
            tags={tag.ref: tag.new for tag in plan.tags if tag.new is not None},
        )

    def _pack(self, order: Push) -> PushedSource:
        """Raises UnavailableError (code `disk`) when it cannot be written, ConflictError for what was not inspected."""
        facts = self._inspected.get(order.new)
        if facts is None:
            said = "The deploy branch was changed while the push arrived"
            raise ConflictError(said, "git push again", code="branch-changed")
        file = f"{self._app.id}-{secrets.token_hex(8)}.tar"
        try:
            sha256, size = self._git.archive(self._app.id, order.new, self._inbox / file)
        except OSError as error:
            self._drop(file)
            said = f"The source cannot be written: {error.strerror}"
            raise UnavailableError(said, "df -h shows what is full", code="disk") from None
        except BaseException:
            self._drop(file)
            raise
        return PushedSource(file, sha256, size, order.new, order.branch, facts.author, facts.subject)

    def _drop(self, file: str) -> None:
        (self._inbox / file).unlink(missing_ok=True)

    def _watch(self, job_id: int, say: Say) -> Outcome:
        """Pass the job's lines on until it ends, whether or not somebody still listens."""
        has_spoken = False
        for line in follow_lines(self._ctx.on, job_id):
            if line is not None:
                has_spoken = True
                say(line)
        outcome = outcome_of(self._ctx.on, job_id)
        if outcome is None:
            raise ValueError(f"job {job_id} has not ended")
        if not outcome.succeeded and not has_spoken:  # it never ran: a job that ran has said why itself
            say_no(PaasError(outcome.message, outcome.hint, code=outcome.code), say)
        return outcome

    def _move(self, wanted: Sequence[RefUpdate]) -> dict[str, str]:
        """The release is current, and nothing that happens here can undo that: a ref that lags is no refusal."""
        refs = self._branches.place(self._app.id)
        for update in wanted:
            if refs.get(update.ref) != update.new:
                log.info("ref-lags", app=self._app.name, ref=update.ref)
        return {update.ref: "" for update in wanted}


def _say_place(queued: QueuedPush, say: Say) -> None:
    if queued.superseded:
        say("-----> Takes the place of an older push that was waiting")
    if queued.ahead:
        say(f"-----> Queued as number {queued.ahead + 1} for this app (Ctrl-C does not cancel it: builds:cancel does)")


def say_no(error: PaasError, say: Say) -> None:
    say(f" !     {error.message}  [{error.code}]")
    if error.hint:
        say(f" !     {error.hint}")


def _reason(outcome: Outcome) -> str:
    """What git shows in brackets behind the ref."""
    return (outcome.message or outcome.state)[:LONGEST_REASON]
