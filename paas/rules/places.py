"""Which folders and files does an installation have below its home, whose are they, and who may enter?

The table of docs/architecture.md ("Who runs as whom"); `paas setup` makes it true, `paas doctor` compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["folder", "file"]


@dataclass(frozen=True)
class Place:
    """A path below home. `optional`: made by the process that owns it, compared only where it is."""

    path: str
    owner: str
    group: str
    mode: int
    kind: Kind = "folder"
    optional: bool = False


def wanted_places(
    web: tuple[str, str], ssh: tuple[str, str], group: str, nginx_group: str = "www-data"
) -> tuple[Place, ...]:
    """Every place, parents first. `web`, `ssh`: user and primary group.

    `run/` is sticky: each process makes its own socket there and can neither remove nor replace another's. In
    `database/` nobody but root may make files; the supervisor holds `-wal` and `-shm` open.
    """
    return (
        Place("", "root", "root", 0o711),
        Place("database", "root", group, 0o2750),
        Place("database/paas.db", "root", group, 0o660, "file", optional=True),
        Place("repositories", *ssh, 0o700),
        Place("inbox", "root", "root", 0o711),
        Place("inbox/ssh", *ssh, 0o700),
        Place("inbox/web", *web, 0o700),
        Place("sources", "root", "root", 0o700),
        Place("backups", "root", "root", 0o700),
        Place("tls", "root", "root", 0o700),
        Place("docker", "root", "root", 0o700, optional=True),
        Place("logs", "root", group, 0o2750),
        Place("nginx", "root", "root", 0o755),
        Place("keys", "root", group, 0o750),
        Place("keys/config.key", "root", group, 0o640, "file"),
        Place("keys/session.key", *web, 0o400, "file"),
        Place("keys/ssh_host_ed25519_key", *ssh, 0o600, "file"),
        Place("keys/ssh_host_ecdsa_key", *ssh, 0o600, "file"),
        Place("keys/ssh_host_rsa_key", *ssh, 0o600, "file"),
        Place("run", "root", group, 0o1771),
        Place("run/worker.sock", "root", group, 0o660, "file", optional=True),
        Place("run/hook.sock", *ssh, 0o600, "file", optional=True),
        Place("run/web.sock", web[0], nginx_group, 0o660, "file", optional=True),
    )


@dataclass(frozen=True)
class Found:
    """What is at a place. `owner` and `group` are names, or numbers that have no name."""

    owner: str
    group: str
    mode: int


def difference(place: Place, found: Found | None) -> str:
    """What is wrong with a place, in words; empty when nothing is.

    Sockets may have a stricter group than planned (a socket is made by its own process), never a wider mode.
    """
    name = place.path or "the home folder"
    if found is None:
        return "" if place.optional else f"{name} is missing"
    if found.owner != place.owner:
        return f"{name} belongs to {found.owner}, not to {place.owner}"
    if found.group != place.group and found.mode & 0o070:
        return f"{name} belongs to the group {found.group}, not to {place.group}"
    if found.mode != place.mode and (not place.optional or found.mode & ~place.mode):
        return f"{name} has mode {found.mode:04o}, not {place.mode:04o}"
    return ""
