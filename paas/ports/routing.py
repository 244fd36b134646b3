"""Who brings visitors to apps and keeps strangers out? Proxy, prober and firewall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from paas.rules.routes import Sites


@dataclass(frozen=True)
class Applied:
    number: int  # of the tree that answers now
    quarantined: Mapping[str, str] = field(default_factory=dict)  # app id -> what nginx said of its site


class Proxy(Protocol):
    """Our own nginx master."""

    def apply(self, sites: Sites) -> Applied:
        """Render, check, move in, reload, and return once no old worker accepts connections any more.

        Does nothing when the rendered tree is the one that answers. A broken site is quarantined: its last good file
        stays in place, or an error page, and its neighbours are served. Raises UnavailableError when nginx is down or
        the reload is not confirmed; then the last good tree is back in place.
        """

    def start(self) -> int:
        """Adopt the running master by its pid file or start one with the last good tree; its pid."""

    def stop(self) -> None: ...

    def running(self) -> int | None:
        """Pid of the master."""

    def connections_to(self, address: str) -> int:
        """Connections that the host's sockets hold to `address` (any port), the host's socket table says."""

    def oldest_worker(self) -> datetime | None:
        """When the oldest nginx worker (draining ones included) was started."""

    def rotate_logs(self) -> bool:
        """Put the access and error log aside when they have reached their limit; has one been?"""


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    body: str  # its start
    location: str = ""


class Prober(Protocol):
    def accepts(self, address: str, port: int, timeout: float = 1.0) -> bool: ...

    def get(self, address: str, port: int, path: str, host: str, timeout: float) -> HttpAnswer:
        """GET with `Host: host` and `X-Forwarded-Proto`. Raises ConnectionError when there is no answer."""


class Firewall(Protocol):
    def ensure(self, bridges: Sequence[str], public_ports: Sequence[int]) -> None:
        """Our chains as wanted; atomically, may run twice; cheap when nothing changed. App bridges match by prefix:
        `bridges` names what there is beside them and docker0.

        From app bridges, docker0 and builds: no way to the host except `public_ports`, none to 169.254.0.0/16, none to
        another app's network.
        """

    def check(self) -> list[str]:
        """What is missing, for doctor; empty when all holds."""

    def remove(self) -> None: ...
