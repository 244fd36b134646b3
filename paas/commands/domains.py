"""domains:* - which host names lead to an app."""

from __future__ import annotations

from typing import Any

from paas.commands.declare import command
from paas.commands.hosts import check_host_is_free
from paas.commands.queue import enqueue
from paas.commands.reports import Flag, Report, report, show_reports
from paas.commands.results import JobStarted, Text
from paas.commands.words import AnyApp, TheApp
from paas.context import Context
from paas.errors import BadInputError, ConflictError, NotFoundError
from paas.model import App, Domain, GlobalSetting, IntegrityError, Session, delete, select, update
from paas.model.domain import base_domains, domains_of
from paas.rules.domains import check_base_domain, check_domain, default_hosts
from paas.rules.jobs import Route


def _add(session: Session, ctx: Context, app: App, names: tuple[str, ...]) -> list[str]:
    """Add those that are not there yet; the names as they are kept."""
    bases = base_domains(session, ctx.on.settings.domain)
    known = set(domains_of(session, app.id))
    checked = [check_domain(name, app.name, bases, is_admin=ctx.caller.role == "admin") for name in names]
    for name in dict.fromkeys(checked):
        check_host_is_free(session, ctx.on.settings, name, app.id)
        if name in default_hosts(app.name, bases):
            session.execute(update(App).where(App.id == app.id).values(domains_disabled=False))
        elif name not in known:
            session.add(Domain(name=name, app_id=app.id, created_at=ctx.on.clock.now()))
    try:
        session.flush()
    except IntegrityError:
        raise ConflictError("One of these domains is in use by another app", code="domain-taken") from None
    return checked


def _want_some(names: tuple[str, ...], usage: str) -> None:
    if not names:
        raise BadInputError("Please specify one or more domains", usage, code="domain")


@command("domains:add", allow="operate", api="POST /apps/{app}/domains")
def add(ctx: Context, app: TheApp, *names: str) -> JobStarted:
    """Let host names lead to an app.

    $ ssh paas@host domains:add blog www.example.com
    """
    _want_some(names, f"domains:add {app.name} www.example.com")
    with ctx.on.database.write() as session:
        added = _add(session, ctx, app, names)
        job = enqueue(session, ctx, app, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Added {' '.join(added)} to {app.name}")


@command("domains:remove", allow="operate", api="POST /apps/{app}/domains/remove")
def remove(ctx: Context, app: TheApp, *names: str) -> JobStarted:
    """Take host names away from an app.

    $ ssh paas@host domains:remove blog www.example.com
    """
    _want_some(names, f"domains:remove {app.name} www.example.com")
    with ctx.on.database.write() as session:
        defaults = default_hosts(app.name, base_domains(session, ctx.on.settings.domain))
        known = {*domains_of(session, app.id), *(defaults if not app.domains_disabled else ())}
        for name in names:
            if name.lower() not in known:
                raise NotFoundError(
                    f"{name[:80]!a} is no domain of {app.name}", f"domains:report {app.name}", code="domain"
                )
        if any(name.lower() in defaults for name in names):
            session.execute(update(App).where(App.id == app.id).values(domains_disabled=True))
        gone = [name.lower() for name in names]
        session.execute(delete(Domain).where(Domain.app_id == app.id, Domain.name.in_(gone)))
        job = enqueue(session, ctx, app, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Removed {' '.join(gone)} from {app.name}")


@command("domains:set", allow="operate", api="PUT /apps/{app}/domains")
def set_(ctx: Context, app: TheApp, *names: str) -> JobStarted:
    """Let exactly these host names lead to an app.

    $ ssh paas@host domains:set blog www.example.com example.com
    """
    _want_some(names, f"domains:set {app.name} www.example.com")
    with ctx.on.database.write() as session:
        session.execute(delete(Domain).where(Domain.app_id == app.id))
        session.execute(update(App).where(App.id == app.id).values(domains_disabled=True))
        kept = _add(session, ctx, app, names)
        job = enqueue(session, ctx, app, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Set the domains of {app.name}: {' '.join(kept)}")


@command("domains:clear", allow="operate", api="DELETE /apps/{app}/domains")
def clear(ctx: Context, app: TheApp) -> JobStarted:
    """Take all added host names away from an app; its default one stays.

    $ ssh paas@host domains:clear blog
    """
    with ctx.on.database.write() as session:
        session.execute(delete(Domain).where(Domain.app_id == app.id))
        session.execute(update(App).where(App.id == app.id).values(domains_disabled=False))
        job = enqueue(session, ctx, app, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Cleared the domains of {app.name}")


@command("domains:set-global", allow="admin", api="PUT /domains")
def set_global(ctx: Context, *names: str) -> JobStarted:
    """Set the domains below which every app has its default host; the first one counts as primary.

    $ ssh paas@host domains:set-global example.com
    """
    _want_some(names, "domains:set-global example.com")
    checked = [check_base_domain(name) for name in names]
    with ctx.on.database.write() as session:
        added = set(session.scalars(select(Domain.name)))
        for app_name in session.scalars(select(App.name)):
            for host in default_hosts(app_name, checked):
                if host in added:
                    raise ConflictError(
                        f"{host} was added to an app", "domains:remove it there first", code="domain-taken"
                    )
        row = session.get(GlobalSetting, "domains") or GlobalSetting(name="domains")
        row.value = list(dict.fromkeys(checked))
        session.add(row)
        job = enqueue(session, ctx, None, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Set the global domains: {' '.join(checked)}")


@command("domains:clear-global", allow="admin", api="DELETE /domains")
def clear_global(ctx: Context) -> JobStarted:
    """Go back to the domain of the settings.

    $ ssh paas@host domains:clear-global
    """
    with ctx.on.database.write() as session:
        session.execute(delete(GlobalSetting).where(GlobalSetting.name == "domains"))
        job = enqueue(session, ctx, None, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, "Cleared the global domains")


@command("domains:report", allow="view", api="GET /domains-reports", aliases=("domains",), show=show_reports)
def report_(ctx: Context, app: AnyApp = None, flag: Flag = "") -> list[Report] | Text:
    """Show the host names of one app or of all.

    $ ssh paas@host domains:report blog --domains-app-vhosts
    """
    visible_defaults = ctx.on.settings.domain

    def facts(session: Session, each: App) -> dict[str, Any]:
        bases = base_domains(session, visible_defaults)
        hosts = [*(() if each.domains_disabled else default_hosts(each.name, bases)), *domains_of(session, each.id)]
        return {
            "domains-app-enabled": bool(hosts),
            "domains-app-vhosts": list(hosts),
            "domains-global-enabled": True,
            "domains-global-vhosts": list(bases),
        }

    return report(ctx, app, flag, "domains", facts)
