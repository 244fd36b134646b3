"""Which hosts lead to an app, and whose is a host already?"""

from __future__ import annotations

from paas.model import App, Domain, Session, select
from paas.model.domain import base_domains, domains_of
from paas.rules.domains import check_unclaimed, dashboard_hosts, default_hosts
from paas.settings import Settings


def hosts_of_app(session: Session, settings: Settings, app: App) -> list[str]:
    """Its own domains after its default hosts; what a person would open comes first."""
    defaults = [] if app.domains_disabled else list(default_hosts(app.name, base_domains(session, settings.domain)))
    return list(dict.fromkeys([*defaults, *domains_of(session, app.id)]))


def check_host_is_free(session: Session, settings: Settings, host: str, app_id: str) -> None:
    """Raises ConflictError (code `domain-taken`) when another app or the dashboard has this host."""
    bases = base_domains(session, settings.domain)
    claimed = set(session.scalars(select(Domain.name).where(Domain.app_id != app_id)))
    for name in session.scalars(select(App.name).where(App.id != app_id)):
        claimed.update(default_hosts(name, bases))
    claimed.update(dashboard_hosts(bases))
    check_unclaimed(host, claimed)
