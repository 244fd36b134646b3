"""What does nginx serve for each app? From the facts of all apps to the whole of their sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from paas.rules.domains import dashboard_hosts, default_hosts

SiteState = Literal["live", "stopped", "never-deployed", "unhealthy"]


@dataclass(frozen=True)
class Site:
    """What nginx must know of one app. `backends`: "10.208.0.2:5000"."""

    app_id: str
    app_name: str
    hosts: tuple[str, ...]  # "blog.example.com", "*.example.org"
    backends: tuple[str, ...]
    state: SiteState
    upload_limit: int


@dataclass(frozen=True)
class Sites:
    """All that is served; the whole, never a difference. `dashboard_hosts`: beside the one of the settings."""

    sites: tuple[Site, ...]
    dashboard_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Front:
    """One healthy copy of a web process."""

    address: str
    port: int


@dataclass(frozen=True)
class RoutedApp:
    """The facts of one app. `is_stopped`: nothing of web is wanted (ps:stop, or web=0)."""

    app_id: str
    app_name: str
    domains: Sequence[str]  # its own, beside the default hosts
    is_deployed: bool
    is_stopped: bool
    fronts: Sequence[Front]
    upload_limit: int
    has_default_hosts: bool = True


def choose_sites(apps: Iterable[RoutedApp], base_domains: Sequence[str]) -> Sites:
    """The sites of all apps, in the order of their ids, so that equal facts give equal configurations.

    A host goes to one app only: to the one whose default host it is, else to the first. (The database sees to that;
    nginx would serve whichever it read first.)
    """
    ordered = sorted(apps, key=lambda app: app.app_id)
    dashboards = dashboard_hosts(base_domains)
    owners = {host: app.app_id for app in reversed(ordered) for host in app.domains}
    owners |= {host: app.app_id for app in ordered for host in own_hosts(app, base_domains)}
    owners |= dict.fromkeys(dashboards, "")
    sites = tuple(_site(app, base_domains, owners) for app in ordered)
    return Sites(tuple(site for site in sites if site.hosts), dashboards)


def site_state(app: RoutedApp) -> SiteState:
    """Live when there is something to speak to; else why there is not."""
    if not app.is_deployed:
        return "never-deployed"
    if app.is_stopped:
        return "stopped"
    return "live" if app.fronts else "unhealthy"


def own_hosts(app: RoutedApp, base_domains: Sequence[str]) -> tuple[str, ...]:
    """Its default hosts."""
    return default_hosts(app.app_name, base_domains) if app.has_default_hosts else ()


def hosts_of(app: RoutedApp, base_domains: Sequence[str]) -> tuple[str, ...]:
    """Its default hosts first, then its domains in their order, each once."""
    return tuple(dict.fromkeys((*own_hosts(app, base_domains), *app.domains)))


def _site(app: RoutedApp, base_domains: Sequence[str], owners: Mapping[str, str]) -> Site:
    state = site_state(app)
    return Site(
        app_id=app.app_id,
        app_name=app.app_name,
        hosts=tuple(host for host in hosts_of(app, base_domains) if owners[host] == app.app_id),
        backends=tuple(f"{front.address}:{front.port}" for front in app.fronts) if state == "live" else (),
        state=state,
        upload_limit=app.upload_limit,
    )
