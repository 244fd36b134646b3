"""git:* - which branch of an app is deployed, and where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from paas.commands.declare import command
from paas.commands.reports import Flag, Report, report, show_reports
from paas.commands.results import Done, Text
from paas.commands.words import AnyApp, TheApp
from paas.context import Context
from paas.errors import BadInputError
from paas.model import App, Job, Release, Session, select, update
from paas.model.job import QUEUED, RUNNING

# Narrower than git check-ref-format(1): a name that our hints quote must be safe to paste into a shell.
_BRANCH = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|\Z)))[A-Za-z0-9._/+@#=-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class GitStatus:
    app: str
    deploy_branch: str | None
    deployed_commit: str | None
    branch_commit: str | None
    deploying: list[str]


def check_branch(name: str) -> str:
    """Return `name` when a branch may be called so. Raises BadInputError (code `branch`)."""
    if not _BRANCH.fullmatch(name) or name.startswith(("/", "refs/")) or name.endswith(("/", ".")) or name == "@":
        raise BadInputError(f"{name[:60]!a} cannot be a branch", "name it as git does: main, release/2", code="branch")
    return name


@command("git:set", allow="own", api="PUT /apps/{app}/git/{key}")
def set_(ctx: Context, app: TheApp, key: str, value: str = "") -> Done:
    """Set deploy-branch; without a value the default is back (the first of main and master that is pushed).

    $ ssh paas@host git:set blog deploy-branch release
    """
    if key != "deploy-branch":
        raise BadInputError(f"{key[:40]!a} is no git property", "known: deploy-branch", code="property")
    branch = check_branch(value) if value else None
    with ctx.on.database.write() as session:
        values: dict[str, Any] = {"deploy_branch": branch}
        if branch != app.deploy_branch:
            values["branch_commit"] = None  # the new branch stands nowhere yet
        session.execute(update(App).where(App.id == app.id).values(**values))
    return Done(f"Setting deploy-branch to {branch}" if branch else "Unsetting deploy-branch")


def _facts(session: Session, app: App) -> dict[str, Any]:
    release = session.get(Release, app.current_release_id) if app.current_release_id else None
    return {
        "git-deploy-branch": app.deploy_branch or "",
        "git-branch-commit": app.branch_commit or "",
        "git-deployed-commit": release.commit if release else "",
        "git-last-updated-at": release.finished_at if release else "",
    }


@command("git:report", allow="view", api="GET /git-reports", show=show_reports)
def report_(ctx: Context, app: AnyApp = None, flag: Flag = "") -> list[Report] | Text:
    """Show the deploy branch and commit of one app or of all.

    $ ssh paas@host git:report blog --git-deploy-branch
    """
    return report(ctx, app, flag, "git", _facts)


@command("git:status", allow="view", api="GET /apps/{app}/git")
def status(ctx: Context, app: TheApp) -> GitStatus:
    """Show where the deploy branch stands, what is deployed and what is on its way.

    $ ssh paas@host git:status blog
    """
    with ctx.on.database.read() as session:
        facts = _facts(session, app)
        jobs = session.scalars(
            select(Job)
            .where(Job.app_id == app.id, Job.kind == "deploy", Job.state.in_((QUEUED, RUNNING)))
            .order_by(Job.id)
        )
        deploying = [str((job.payload.get("push") or {}).get("new", job.id)) for job in jobs]
    return GitStatus(app.name, app.deploy_branch, facts["git-deployed-commit"] or None, app.branch_commit, deploying)
