"""What is nginx to serve at this moment? The sites of all apps as the database says; and that nginx serves them.

Rows come first: a switch writes `is_routed` before it renders, so that whoever renders next, for whatever app, renders
this switch too. Renderings are one at a time, and who waited for one that began after its own rows needs none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from threading import Lock
from weakref import WeakKeyDictionary

from paas.context import WorkerPlatform
from paas.errors import DeployError
from paas.flows.say import JobLog
from paas.flows.step import step
from paas.flows.undo import Undo
from paas.flows.work import Work
from paas.model import Address, App, Domain, Formation, Process, Release, Session, select, update
from paas.model.app import HIDDEN
from paas.model.domain import base_domains, domains_of
from paas.ports import Applied, Proxy
from paas.rules import names
from paas.rules.formation import WEB
from paas.rules.limits import UPLOAD_LIMIT, limit_of
from paas.rules.placement import is_within
from paas.rules.rollout import Rollout
from paas.rules.routes import Front, RoutedApp, Sites, choose_sites, hosts_of
from paas.settings import Settings


# --- Steps ------------------------------------------------------------------------------------------------------------
@step("switch", phase="switch")
def switch_routes(on: WorkerPlatform, work: Work, rollout: Rollout, undo: Undo) -> None:
    """Move traffic to the wanted copies; returns once no old nginx worker accepts connections any more."""
    app_id = str(work.job.app_id)
    undo.by(route_back, on, app_id)
    mark_routes(on, work, rollout)
    applied = apply_sites(on)
    if app_id in applied.quarantined:
        raise DeployError(
            f"nginx refuses the app's site: {applied.quarantined[app_id]}",
            f"domains:report {work.job.app_name}",
            code="site-refused",
        )


@step("mark")
def mark_routes(on: WorkerPlatform, work: Work, rollout: Rollout) -> None:
    """Say what nginx is to know, before it is rendered."""
    with on.database.write() as session:
        _set_routed(session, (copy.container for copy in rollout.retire), False)
        _set_routed(session, (copy.container for copy in rollout.wanted), True)


def route_back(on: WorkerPlatform, app_id: str) -> None:
    """Undo of a switch: traffic goes where it went."""
    with on.database.write() as session:
        session.execute(update(Process).where(Process.app_id == app_id).values(is_routed=Process.state == "live"))
    apply_sites(on)


def route(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    """The flow of the order `route`: domains or settings changed."""
    with work.step("switch"):
        applied = apply_sites(on)
    with on.database.read() as session:
        apps = {app_id: session.scalar(select(App.name).where(App.id == app_id)) for app_id in applied.quarantined}
    for app_id, reason in applied.quarantined.items():
        say.remark(f"The site of {apps[app_id]} is left as it was: {reason}")


def _set_routed(session: Session, containers: Iterable[str], is_routed: bool) -> None:
    session.execute(update(Process).where(Process.container.in_(list(containers))).values(is_routed=is_routed))


# --- Rendering --------------------------------------------------------------------------------------------------------
@dataclass
class _Desk:
    """One rendering at a time; `asked` and `served` number the wishes."""

    turn: Lock = field(default_factory=Lock)
    count: Lock = field(default_factory=Lock)
    asked: int = 0
    served: int = 0
    last: Applied | None = None


_desks: WeakKeyDictionary[Proxy, _Desk] = WeakKeyDictionary()


def apply_sites(on: WorkerPlatform) -> Applied:
    """Have nginx serve what the database says now. Raises UnavailableError; then it serves what it served."""
    desk = _desks.setdefault(on.proxy, _Desk())
    with desk.count:
        desk.asked += 1
        mine = desk.asked
    with desk.turn:
        if desk.served >= mine and desk.last is not None:
            return desk.last
        with desk.count:
            covered = desk.asked
        with on.database.read() as session:
            sites = collect_sites(session, on.settings)
        desk.last = on.proxy.apply(sites)
        desk.served = covered
        return desk.last


def collect_sites(session: Session, settings: Settings) -> Sites:
    """The sites of all apps that are not being destroyed, in a handful of queries."""
    domains: dict[str, list[str]] = defaultdict(list)
    for app_id, name in session.execute(select(Domain.app_id, Domain.name).order_by(Domain.created_at, Domain.name)):
        domains[app_id].append(name)
    fronts = _fronts(session, settings.network_pool)
    unwanted = set(
        session.scalars(select(Formation.app_id).where(Formation.process_type == WEB, Formation.quantity == 0))
    )
    query = (
        select(
            App.id, App.name, App.is_stopped, App.domains_disabled, App.proxy_settings, Release.processes.label("runs")
        )
        .outerjoin(Release, Release.id == App.current_release_id)
        .where(App.is_destroying.is_(False))
    )
    apps = [
        RoutedApp(
            app_id=row.id,
            app_name=row.name,
            domains=() if row.proxy_settings.get(HIDDEN) else domains[row.id],
            is_deployed=row.runs is not None or bool(fronts[row.id]),
            is_stopped=not fronts[row.id] and (row.is_stopped or row.id in unwanted or WEB not in (row.runs or {})),
            fronts=fronts[row.id],
            upload_limit=int(limit_of(row.proxy_settings, UPLOAD_LIMIT, settings.upload_limit)),
            has_default_hosts=not (row.domains_disabled or row.proxy_settings.get(HIDDEN)),
        )
        for row in session.execute(query)
        if names.is_app_id(row.id)
    ]
    return choose_sites(apps, base_domains(session, settings.domain))


def _fronts(session: Session, pool: IPv4Network) -> dict[str, list[Front]]:
    """Copies that serve. An address outside of the pool is none of an app: nginx would speak to the host itself."""
    fronts: dict[str, list[Front]] = defaultdict(list)
    query = (
        select(Process.app_id, Address.address, Release.port)
        .join(Address, Address.container == Process.container)
        .join(Release, Release.id == Process.release_id)
        .where(Process.process_type == WEB, Process.is_routed.is_(True))
        .order_by(Process.app_id, Process.copy, Process.rollout)
    )
    for app_id, address, port in session.execute(query):
        if is_within(address, pool):
            fronts[app_id].append(Front(address, port))
    return fronts


def first_host(on: WorkerPlatform, app: App) -> str | None:
    """What people open, and what health checks say they ask for; for a wildcard some name under it."""
    with on.database.read() as session:
        bases = base_domains(session, on.settings.domain)
        added = domains_of(session, app.id)
    routed = RoutedApp(app.id, app.name, added, True, False, (), 0, has_default_hosts=not app.domains_disabled)
    host = next(iter(hosts_of(routed, bases)), None)
    return host.replace("*.", "www.") if host else None
