"""What becomes of each ref of a push? The deploy branch is deployed, tags are kept with it, the rest is refused.

A refusal is one line, because git shows it in brackets behind the ref; it says what would work instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from paas.errors import BadInputError, PaasError

BRANCHES, TAGS = "refs/heads/", "refs/tags/"
FIRST_BRANCHES = ("main", "master")  # an app without a deploy branch takes the first of these that is pushed
FLUSH = b"0000"
MOST_REFS = 1000
LONGEST_REF = 400
OPTIONS = ("no-cache",)

_NOTHING = re.compile(r"0{40}(?:0{24})?", re.ASCII)
_YES, _NO = ("", "1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class RefUpdate:
    """One line of a push: `ref` stood at `old` when the client looked and is to stand at `new`; None: no such ref."""

    ref: str
    old: str | None
    new: str | None

    @property
    def branch(self) -> str | None:
        return self.ref.removeprefix(BRANCHES) if self.ref.startswith(BRANCHES) else None


@dataclass(frozen=True)
class PushPlan:
    """`deploy` None: nothing of this push happens. `refused`: full ref -> reason."""

    branch: str | None
    deploy: RefUpdate | None
    tags: tuple[RefUpdate, ...]
    refused: dict[str, str] = field(default_factory=dict)


def read_update(old: str, new: str, ref: str) -> RefUpdate:
    """From git's words, where zeros stand for no ref."""
    return RefUpdate(ref, None if _NOTHING.fullmatch(old) else old, None if _NOTHING.fullmatch(new) else new)


def choose_branch(configured: str | None, updates: Sequence[RefUpdate]) -> str | None:
    """The deploy branch of this push: the app's, else the first of main and master that is pushed."""
    if configured is not None:
        return configured
    pushed = {update.branch for update in updates if update.new is not None}
    return next((name for name in FIRST_BRANCHES if name in pushed), None)


def plan_push(app: str, updates: Sequence[RefUpdate], configured: str | None, *, is_atomic: bool = False) -> PushPlan:
    """Sort the refs. `is_atomic`: one refusal refuses all."""
    branch = choose_branch(configured, updates)
    deployable = (update for update in updates if branch is not None and update.branch == branch)
    deploy = next((update for update in deployable if update.new is not None), None)
    named = (update for update in updates if update.ref.startswith(TAGS) and update.new is not None)
    tags = tuple(update for update in named if _can_be_kept(update.ref))
    refused = {
        update.ref: _why_not(app, update, branch) for update in updates if update is not deploy and update not in tags
    }
    if deploy is None:
        instead = f"git push --follow-tags paas {branch or 'HEAD:main'}"
        refused |= {tag.ref: f"tags are kept with a deploy: {instead}, with a new commit" for tag in tags}
        return PushPlan(branch, None, (), refused)
    if is_atomic and refused:
        first = next(iter(refused))
        refused |= {update.ref: f"atomic push, and {_short(first)} was refused" for update in (deploy, *tags)}
        return PushPlan(branch, None, (), refused)
    return PushPlan(branch, deploy, tags, refused)


def read_options(options: Sequence[str]) -> bool:
    """Whether `git push -o no-cache` was asked for. Raises BadInputError (code `push-option`) naming an unknown one."""
    no_cache = False
    for option in options:
        key, _, value = option.partition("=")
        if key not in OPTIONS:
            raise BadInputError(
                f"Unknown push option {key[:40]!a}", f"known: {', '.join(OPTIONS)}, as in git push -o no-cache",
                code="push-option",
            )  # fmt: skip
        if value.lower() not in (*_YES, *_NO):
            raise BadInputError(f"Push option {key} is true or false, not {value[:40]!a}", code="push-option")
        no_cache = value.lower() in _YES
    return no_cache


def explain_silence(app: str, opening: bytes, push_limit: int, *, is_deployed: bool) -> PaasError | str:
    """Why did a push end without an answer from our hooks? From the first bytes that its client sent.

    Their grammar is gitprotocol-pack(5)'s, "Reference Update Request". A push of nothing new is no fault.
    """
    if opening.startswith(FLUSH):
        return (
            f"-----> Nothing new was pushed; to build the deployed commit again: ps:rebuild {app}"
            if is_deployed
            else ""
        )
    if opening[len(FLUSH) :].startswith(b"shallow "):  # and git itself has refused it
        return BadInputError(
            "This clone is shallow: its history ends at a commit that is not known here",
            "git fetch --unshallow, then push again; in GitHub's workflows fetch-depth: 0, in GitLab's GIT_DEPTH: 0",
            code="shallow-clone",
        )
    if opening:
        return BadInputError(
            "git refused this push, nothing was changed; its reason is in a line that begins with remote:",
            f"a push has at most {push_limit / 1e6:,.0f} MB (PAAS_PUSH_LIMIT); git fsck finds what is broken",
            code="git-refused",
        )
    if is_deployed:
        return ""  # the client has told itself why it left
    return BadInputError(
        "Your git left without pushing anything, as it does when its objects are SHA-256: these are not taken",
        "git rev-parse --show-object-format should say sha1",
        code="nothing-pushed",
    )


def app_name_of(path: str) -> str:
    """The app that a git path names: `blog`, `/blog`, `~/blog`, `/~/blog`, each with or without `.git` and `/`."""
    name = path.strip("/")
    for prefix in ("~/", "~paas/"):
        name = name.removeprefix(prefix)
    return name.strip("/").removesuffix(".git")


def _can_be_kept(ref: str) -> bool:
    """Git takes any bytes for a name; a row takes text."""
    return len(ref) <= LONGEST_REF and not any("\ud800" <= character <= "\udfff" for character in ref)


def _why_not(app: str, update: RefUpdate, branch: str | None) -> str:
    name = _short(update.ref)
    if update.new is None and branch is not None and update.branch == branch:
        return f"the deploy branch cannot be deleted; to remove the app: apps:destroy {app}"
    if update.new is None:
        return f"nothing is deleted by a push; only {branch or 'the deploy branch'} and tags of deploys are kept here"
    if update.ref.startswith(TAGS):
        return f"the name of a tag is UTF-8, and has at most {LONGEST_REF - len(TAGS)} characters"
    if update.branch is None:
        return "only the deploy branch and tags are taken"
    if branch is None:
        return f"only main or master is deployed at first: git push paas {name}:main"
    return f"only {branch} is deployed: git push paas {name}:{branch}, or git:set {app} deploy-branch {name}"


def _short(ref: str) -> str:
    return ref.removeprefix(BRANCHES).removeprefix(TAGS)
