"""domains:* - which host names lead to an app, and below which domains every app has one."""

from __future__ import annotations

from typing import Annotated, Any

from paas.commands.declare import Help, command
from paas.commands.hosts import check_host_is_free
from paas.commands.queue import enqueue
from paas.commands.reports import Flag, Report, pick, report, show_reports
from paas.commands.results import JobStarted, Text
from paas.commands.words import AnyApp, TheApp
from paas.context import Context
from paas.errors import BadInputError, ConflictError, NotFoundError
from paas.model import App, Domain, GlobalSetting, IntegrityError, Job, Session, delete, select, update
from paas.model.app import HIDDEN
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
    """Take all host names away from an app, its default one too: domains:reset brings that back.

    $ ssh paas@host domains:clear blog
    """
    return _forget(ctx, app, f"Cleared the domains of {app.name}", has_default=False)


@command("domains:reset", allow="operate", api="POST /apps/{app}/domains/reset")
def reset(ctx: Context, app: TheApp) -> JobStarted:
    """Let nothing but its default host name lead to an app, as if it were new.

    $ ssh paas@host domains:reset blog
    """
    return _forget(ctx, app, f"Reset the domains of {app.name}", has_default=True)


def _forget(ctx: Context, app: App, message: str, *, has_default: bool) -> JobStarted:
    with ctx.on.database.write() as session:
        session.execute(delete(Domain).where(Domain.app_id == app.id))
        session.execute(update(App).where(App.id == app.id).values(domains_disabled=not has_default))
        job = enqueue(session, ctx, app, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, message)


@command("domains:disable", allow="operate", api="POST /apps/{app}/domains/disable")
def disable(ctx: Context, app: TheApp) -> JobStarted:
    """Hide an app: none of its host names leads to it, and it keeps them for domains:enable.

    $ ssh paas@host domains:disable blog
    """
    return _hide(ctx, app, f"Disabled the domains of {app.name}", is_hidden=True)


@command("domains:enable", allow="operate", api="POST /apps/{app}/domains/enable")
def enable(ctx: Context, app: TheApp) -> JobStarted:
    """Let an app's host names lead to it again.

    $ ssh paas@host domains:enable blog
    """
    return _hide(ctx, app, f"Enabled the domains of {app.name}", is_hidden=False)


def _hide(ctx: Context, app: App, message: str, *, is_hidden: bool) -> JobStarted:
    with ctx.on.database.write() as session:
        row = session.get(App, app.id)
        if row is not None:
            others = {name: kept for name, kept in row.proxy_settings.items() if name != HIDDEN}
            row.proxy_settings = others | ({HIDDEN: True} if is_hidden else {})
        job = enqueue(session, ctx, app, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, message)


@command("domains:set-global", allow="admin", api="PUT /domains")
def set_global(ctx: Context, *names: str) -> JobStarted:
    """Set the domains below which every app has its default host; the first one counts as primary.

    $ ssh paas@host domains:set-global example.com
    """
    _want_some(names, "domains:set-global example.com")
    checked = [check_base_domain(name) for name in names]
    with ctx.on.database.write() as session:
        job = _set_bases(session, ctx, checked)
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Set the global domains: {' '.join(checked)}")


@command("domains:add-global", allow="admin", api="POST /domains")
def add_global(ctx: Context, *names: str) -> JobStarted:
    """Give every app a default host below these domains, too.

    $ ssh paas@host domains:add-global example.org
    """
    _want_some(names, "domains:add-global example.org")
    checked = [check_base_domain(name) for name in names]
    with ctx.on.database.write() as session:
        job = _set_bases(session, ctx, [*base_domains(session, ctx.on.settings.domain), *checked])
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Added global domains: {' '.join(checked)}")


@command("domains:remove-global", allow="admin", api="POST /domains/remove")
def remove_global(ctx: Context, *names: str) -> JobStarted:
    """Take every app's default host below these domains away; one domain stays.

    $ ssh paas@host domains:remove-global example.org
    """
    _want_some(names, "domains:remove-global example.org")
    gone = {name.lower() for name in names}
    with ctx.on.database.write() as session:
        bases = base_domains(session, ctx.on.settings.domain)
        for name in gone.difference(bases):
            raise NotFoundError(f"{name[:80]!a} is no global domain", "domains:report --global", code="domain")
        left = [base for base in bases if base not in gone]
        if not left:
            raise ConflictError("The last global domain stays", "domains:set-global another.example", code="domain")
        job = _set_bases(session, ctx, left)
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Removed global domains: {' '.join(sorted(gone))}")


def _set_bases(session: Session, ctx: Context, bases: list[str]) -> Job:
    """Keep the global domains. Raises ConflictError where an app has a name that would be another's default host."""
    added = set(session.scalars(select(Domain.name)))
    for app_name in session.scalars(select(App.name)):
        for host in default_hosts(app_name, bases):
            if host in added:
                raise ConflictError(f"{host} was added to an app", "domains:remove it there first", code="domain-taken")
    row = session.get(GlobalSetting, "domains") or GlobalSetting(name="domains")
    row.value = list(dict.fromkeys(bases))
    session.add(row)
    return enqueue(session, ctx, None, Route())


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
def report_(
    ctx: Context,
    app: AnyApp = None,
    flag: Flag = "",
    *,
    global_: Annotated[bool, Help("only the domains of all apps")] = False,
) -> list[Report] | Text:
    """Show the host names of one app or of all.

    $ ssh paas@host domains:report blog --domains-app-vhosts
    """
    if global_:
        with ctx.on.database.read() as session:
            return pick([Report("Global", "domains", _global_facts(ctx, session))], flag)

    def facts(session: Session, each: App) -> dict[str, Any]:
        bases = base_domains(session, ctx.on.settings.domain)
        hosts = [*(() if each.domains_disabled else default_hosts(each.name, bases)), *domains_of(session, each.id)]
        return {
            "domains-app-enabled": bool(hosts) and not each.proxy_settings.get(HIDDEN),
            "domains-app-vhosts": list(hosts),
            **_global_facts(ctx, session),
        }

    return report(ctx, app, flag, "domains", facts)


def _global_facts(ctx: Context, session: Session) -> dict[str, Any]:
    return {
        "domains-global-enabled": True,
        "domains-global-vhosts": list(base_domains(session, ctx.on.settings.domain)),
    }
