"""apps:* - create, list, look at, rename, lock and destroy apps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from paas.commands import present
from paas.commands.call import visible_apps
from paas.commands.declare import Help, command
from paas.commands.hosts import check_host_is_free, hosts_of_app, hosts_of_apps
from paas.commands.queue import enqueue, request
from paas.commands.reports import Flag, Report, report, show_reports
from paas.commands.results import Done, Exists, JobStarted, Text
from paas.commands.states import status_of, statuses
from paas.commands.words import AnyApp, NewAppName, TheApp
from paas.context import Context
from paas.errors import ConflictError
from paas.model import App, Grant, IntegrityError, Release, Session, select, update
from paas.model.app import find_app
from paas.model.domain import base_domains
from paas.rules.domains import default_hosts
from paas.rules.jobs import Destroy, Route
from paas.rules.names import APP_ID_ALPHABET, APP_ID_LENGTH


@dataclass(frozen=True)
class AppView:
    name: str
    id: str
    status: str
    urls: list[str]
    release: str | None
    commit: str | None
    deploy_branch: str | None
    locked: bool
    created_at: datetime


@dataclass(frozen=True)
class AppLine:
    name: str
    status: str
    release: str | None
    url: str | None  # the first that a person can open
    commit: str | None
    locked: bool
    deployed_at: datetime | None  # when the current release became so


def view(session: Session, ctx: Context, app: App) -> AppView:
    release = session.get(Release, app.current_release_id) if app.current_release_id else None
    return AppView(
        name=app.name,
        id=app.id,
        status=status_of(session, app),
        urls=[ctx.on.settings.app_url(host) for host in hosts_of_app(session, ctx.on.settings, app)],
        release=f"v{release.version}" if release else None,
        commit=release.commit if release else None,
        deploy_branch=app.deploy_branch,
        locked=app.is_locked,
        created_at=app.created_at,
    )


@command("apps:create", allow="member", api="POST /apps")
def create(ctx: Context, name: NewAppName) -> Done:
    """Create an app; its first push makes its git repository.

    $ ssh paas@host apps:create blog
    """
    app = App(
        id="".join(secrets.choice(APP_ID_ALPHABET) for _ in range(APP_ID_LENGTH)),
        name=name,
        created_at=ctx.on.clock.now(),
        created_by=ctx.caller.user_id,
    )
    try:
        with ctx.on.database.write() as session:
            _check_name_is_free(session, ctx, name, app.id)
            session.add(app)
            session.flush()
            if ctx.caller.user_id is not None:
                session.add(Grant(user_id=ctx.caller.user_id, app_id=app.id, level="own"))
            job = enqueue(session, ctx, app, Route())
    except IntegrityError:
        raise _taken(name) from None
    ctx.on.worker.ring()
    return Done(f"Creating {name}... done", job.id)


def _check_name_is_free(session: Session, ctx: Context, name: str, app_id: str) -> None:
    """Raises ConflictError when another app has the name (code `app-exists`) or one of its hosts (`domain-taken`)."""
    if find_app(session, name) is not None:
        raise _taken(name)
    for host in default_hosts(name, base_domains(session, ctx.on.settings.domain)):
        check_host_is_free(session, ctx.on.settings, host, app_id)


def _taken(name: str) -> ConflictError:
    return ConflictError(f"Name is already taken: {name}", "choose another name", code="app-exists")


def _show_list(apps: list[AppLine]) -> str:
    return "\n".join([present.heading("My Apps"), *(app.name for app in apps)])


@command("apps:list", allow="self", api="GET /apps", aliases=("apps",), show=_show_list)
def list_(ctx: Context) -> list[AppLine]:
    """List the apps that you may see.

    $ ssh paas@host apps:list
    """
    with ctx.on.database.read() as session:
        apps = visible_apps(session, ctx.caller)
        words = statuses(session, apps)
        current = [app.current_release_id for app in apps if app.current_release_id]
        columns = (Release.id, Release.version, Release.commit, Release.finished_at)
        releases = {row.id: row for row in session.execute(select(*columns).where(Release.id.in_(current)))}
        hosts = hosts_of_apps(session, ctx.on.settings, apps)
    lines = []
    for app in apps:
        release = releases.get(app.current_release_id)
        host = next((host for host in hosts[app.id] if not host.startswith("*.")), None)
        lines.append(
            AppLine(
                name=app.name,
                status=words[app.id],
                release=f"v{release.version}" if release else None,
                url=ctx.on.settings.app_url(host) if host else None,
                commit=release.commit if release else None,
                locked=app.is_locked,
                deployed_at=release.finished_at if release else None,
            )
        )
    return lines


@command("apps:info", allow="view", api="GET /apps/{app}")
def info(ctx: Context, app: TheApp) -> AppView:
    """Show an app's status, addresses and current release.

    $ ssh paas@host apps:info blog
    """
    with ctx.on.database.read() as session:
        return view(session, ctx, app)


@command("apps:exists", allow="view", api="GET /apps/{app}/exists")
def exists(ctx: Context, app: TheApp) -> Exists:
    """Exit with 0 when the app exists and you may see it, else with 20.

    $ ssh paas@host apps:exists blog
    """
    return Exists(True)


@command("apps:rename", allow="own", api="POST /apps/{app}/rename")
def rename(
    ctx: Context,
    app: TheApp,
    name: NewAppName,
    *,
    skip_deploy: Annotated[bool, Help("as ever: no new name needs a deploy")] = False,
) -> JobStarted:
    """Give an app another name, and with it another address; its containers go on running.

    $ ssh paas@host apps:rename blog journal
    """
    try:
        with ctx.on.database.write() as session:
            _check_name_is_free(session, ctx, name, app.id)
            session.execute(update(App).where(App.id == app.id).values(name=name))
            job = enqueue(session, ctx, session.get(App, app.id), Route())
    except IntegrityError:
        raise _taken(name) from None
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Renaming {app.name} to {name}")


@command("apps:destroy", allow="own", api="DELETE /apps/{app}", dangerous=True)
def destroy(ctx: Context, app: TheApp) -> JobStarted:
    """Destroy an app with its releases, images, logs and repository. Linked services stay.

    $ ssh paas@host apps:destroy blog --force
    """
    job = request(ctx, app, Destroy(), priority=5)
    return JobStarted(job.id, f"Destroying {app.name}")


@command("apps:lock", allow="operate", api="POST /apps/{app}/lock")
def lock(ctx: Context, app: TheApp) -> Done:
    """Refuse deploys of this app until it is unlocked.

    $ ssh paas@host apps:lock blog
    """
    _set_locked(ctx, app, True)
    return Done("Deploy lock created")


@command("apps:unlock", allow="operate", api="DELETE /apps/{app}/lock")
def unlock(ctx: Context, app: TheApp) -> Done:
    """Accept deploys of this app again.

    $ ssh paas@host apps:unlock blog
    """
    _set_locked(ctx, app, False)
    return Done("Deploy lock removed")


def _set_locked(ctx: Context, app: App, is_locked: bool) -> None:
    with ctx.on.database.write() as session:
        session.execute(update(App).where(App.id == app.id).values(is_locked=is_locked))


@command("apps:locked", allow="view", api="GET /apps/{app}/lock")
def locked(ctx: Context, app: TheApp) -> Exists:
    """Exit with 0 when deploys of the app are locked, else with 1.

    $ ssh paas@host apps:locked blog
    """
    return Exists(app.is_locked, "Deploy lock exists" if app.is_locked else "Deploy lock does not exist")


def _facts(session: Session, app: App) -> dict[str, Any]:
    release = session.get(Release, app.current_release_id) if app.current_release_id else None
    return {
        "app-created-at": app.created_at,
        "app-deploy-source": "git" if release and release.commit else "",
        "app-deploy-source-metadata": release.commit if release else "",
        "app-id": app.id,
        "app-locked": app.is_locked,
        "app-release": f"v{release.version}" if release else "",
    }


@command("apps:report", allow="view", api="GET /apps-reports", show=show_reports)
def report_(ctx: Context, app: AnyApp = None, flag: Flag = "") -> list[Report] | Text:
    """Show facts about one app or all.

    $ ssh paas@host apps:report blog --app-locked
    """
    return report(ctx, app, flag, "app", _facts)
