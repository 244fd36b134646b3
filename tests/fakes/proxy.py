"""A proxy that remembers the sites it was given, breaks where it is told, and drains at once."""

from __future__ import annotations

from datetime import datetime

from paas.errors import UnavailableError
from paas.ports import Applied, Site, Sites


class FakeProxy:
    def __init__(self) -> None:
        self.applied = Sites(())
        self.number = 0
        self.is_down = False
        self.broken: dict[str, str] = {}  # app id -> what nginx says of its site
        self.connections: dict[str, int] = {}
        self.oldest: datetime | None = None
        self.pid: int | None = None

    def apply(self, sites: Sites) -> Applied:
        if self.is_down:
            raise UnavailableError("nginx did not confirm the reload", "paas status")
        if sites != self.applied:
            self.number += 1
            self.applied = sites
        return Applied(
            self.number, {site.app_id: self.broken[site.app_id] for site in sites.sites if site.app_id in self.broken}
        )

    def site(self, app_id: str) -> Site | None:
        return next((site for site in self.applied.sites if site.app_id == app_id), None)

    def start(self) -> int:
        self.pid = self.pid or 4711
        return self.pid

    def stop(self) -> None:
        self.pid = None

    def running(self) -> int | None:
        return self.pid

    def connections_to(self, address: str) -> int:
        return self.connections.get(address, 0)

    def rotate_logs(self) -> bool:
        return False

    def oldest_worker(self) -> datetime | None:
        return self.oldest
