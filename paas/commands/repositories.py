"""Which app does a clone or a push mean, and where ought its refs to stand? What the SSH door asks besides commands."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from paas.commands.call import app_for, call
from paas.commands.pushes import PushedSource, QueuedPush, check_unlocked, commits_ahead, queue_push
from paas.context import Context, Platform
from paas.errors import AppNotFoundError, ConflictError, ForbiddenError
from paas.model import App, BranchTag, Session, select
from paas.ports import Say
from paas.rules.jobs import Push
from paas.rules.names import check_app_name


@dataclass(frozen=True)
class GitApp:
    """An app that somebody clones or pushes to."""

    id: str
    name: str


@dataclass(frozen=True)
class Branch:
    """A deploy branch, and the commit of the newest pushed release that became current."""

    name: str
    commit: str


def app_to_fetch(ctx: Context, name: str) -> GitApp:
    """Raises AppNotFoundError, for what is not there and what is not theirs alike."""
    return _present(app_for(ctx, name, "view"))


def app_to_push(ctx: Context, name: str, say: Say) -> GitApp:
    """The app, created when the setting and the caller's rights allow it; it says so.

    Raises AppNotFoundError, ForbiddenError (visible, but not theirs to deploy), ConflictError (`app-locked`).
    """
    try:
        app = app_for(ctx, name, "deploy")
    except AppNotFoundError:
        app = _create(ctx, name, say)
    check_unlocked(app)
    return _present(app)


def deploy_branch_of(ctx: Context, app_id: str) -> str | None:
    """As it is now; None until git:set or the first push names one."""
    with ctx.on.database.read() as session:
        return session.scalar(select(App.deploy_branch).where(App.id == app_id))


def commits_before(ctx: Context, app_id: str) -> list[str]:
    """What a push may build upon: where the branch stands, and the pushes that run or wait."""
    with ctx.on.database.read() as session:
        return commits_ahead(session, _row(session, app_id))


def deploy_push(ctx: Context, app_id: str, source: PushedSource, push: Push, *, no_cache: bool) -> QueuedPush:
    """See pushes.queue_push."""
    with ctx.on.database.read() as session:
        app = _row(session, app_id)
    return queue_push(ctx, app, source, push, no_cache=no_cache)


def branches(on: Platform) -> dict[str, Branch]:
    """By app id, where the deploy branches ought to stand."""
    columns = select(App.id, App.deploy_branch, App.branch_commit)
    with on.database.read() as session:
        rows = session.execute(columns.where(App.branch_commit.is_not(None), App.deploy_branch.is_not(None))).all()
    return {app_id: Branch(str(name), str(commit)) for app_id, name, commit in rows}


def tags_of(on: Platform, app_id: str) -> dict[str, str]:
    """Full ref -> what it ought to name: the tags that came with deploys, the newest of each name."""
    with on.database.read() as session:
        rows = session.scalars(select(BranchTag).where(BranchTag.app_id == app_id).order_by(BranchTag.id))
        return {row.ref: row.commit for row in rows}


def _row(session: Session, app_id: str) -> App:
    """Raises ConflictError when the app was destroyed while the push arrived."""
    app = session.get(App, app_id)
    if app is None:
        raise ConflictError("The app was destroyed in the meantime", "apps:list", code="app-destroyed")
    return app


def _present(app: App) -> GitApp:
    if app.is_destroying:
        raise AppNotFoundError(app.name)
    return GitApp(app.id, app.name)


def _create(ctx: Context, name: str, say: Say) -> App:
    check_app_name(name)
    if not ctx.on.settings.create_app_on_push:
        raise AppNotFoundError(name)
    with suppress(ConflictError, ForbiddenError):  # it is somebody's, perhaps theirs since a moment ago: look again
        call("apps:create", ctx, {"name": name})
        say(f"-----> Created app {name}")
    return app_for(ctx, name, "deploy")
