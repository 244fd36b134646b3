"""Which hosts lead to an app, and whose is a host already?"""

from __future__ import annotations

from paas.context import Platform
from paas.model import App, Domain, Session, select
from paas.model.app import HIDDEN
from paas.model.domain import base_domains
from paas.rules.domains import check_unclaimed, dashboard_hosts, default_hosts
from paas.settings import Settings


def hosts_of_app(session: Session, settings: Settings, app: App) -> list[str]:
    """Its own domains after its default hosts; what a person would open comes first."""
    return hosts_of_apps(session, settings, [app])[app.id]


def hosts_of_apps(session: Session, settings: Settings, apps: list[App]) -> dict[str, list[str]]:
    """The hosts of each app id, in two queries however many they are."""
    bases = base_domains(session, settings.domain)
    added: dict[str, list[str]] = {}
    rows = select(Domain.app_id, Domain.name).where(Domain.app_id.in_([app.id for app in apps]))
    for app_id, name in session.execute(rows.order_by(Domain.created_at, Domain.name)):
        added.setdefault(app_id, []).append(name)
    defaults = {app.id: () if app.domains_disabled else default_hosts(app.name, bases) for app in apps}
    shown = [app for app in apps if not app.proxy_settings.get(HIDDEN)]
    hosts = {app.id: list(dict.fromkeys([*defaults[app.id], *added.get(app.id, [])])) for app in shown}
    return {app.id: hosts.get(app.id, []) for app in apps}


def hosts_of_dashboard(on: Platform) -> tuple[str, ...]:
    """paas.DOMAIN of the settings, and of every domain that was set since."""
    with on.database.read() as session:
        bases = base_domains(session, on.settings.domain)
    return dashboard_hosts(dict.fromkeys([on.settings.domain, *bases]))


def check_host_is_free(session: Session, settings: Settings, host: str, app_id: str) -> None:
    """Raises ConflictError (code `domain-taken`) when another app or the dashboard has this host."""
    bases = base_domains(session, settings.domain)
    claimed = set(session.scalars(select(Domain.name).where(Domain.app_id != app_id)))
    for name in session.scalars(select(App.name).where(App.id != app_id)):
        claimed.update(default_hosts(name, bases))
    claimed.update(dashboard_hosts(bases))
    check_unclaimed(host, claimed)
