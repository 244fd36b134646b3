"""What exists, and who is asking?

`Platform` is what every process has. Web and ssh get no Runtime, Builder or Proxy: only `WorkerPlatform` has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from paas.model.base import Database
from paas.ports import (
    Builder,
    Clock,
    Faults,
    Firewall,
    GitHost,
    LogKeeper,
    Logs,
    Prober,
    Proxy,
    Repositories,
    Runtime,
    Sources,
    Templates,
    Vault,
    WorkerLine,
)
from paas.settings import Settings

Via = Literal["ssh", "git", "web", "api", "cli", "timetable"]
Role = Literal["admin", "member"]
Scope = Literal["read", "deploy", "full"]


@dataclass(frozen=True)
class Platform:
    """What a door or a command may use."""

    settings: Settings
    installation: str
    database: Database
    clock: Clock
    vault: Vault
    logs: Logs
    worker: WorkerLine
    faults: Faults


@dataclass(frozen=True)
class SshPlatform(Platform):
    """The SSH door owns the repositories and alone runs git on them."""

    repositories: GitHost


@dataclass(frozen=True)
class WorkerPlatform(Platform):
    """What flows are handed: the only process with Docker, nginx and the firewall."""

    repositories: Repositories
    sources: Sources
    runtime: Runtime
    builder: Builder
    templates: Templates
    proxy: Proxy
    prober: Prober
    firewall: Firewall
    log_keeper: LogKeeper


@dataclass(frozen=True)
class Caller:
    """Who asks, by which door. `user_id` None: the platform itself (timetable) or root at the local console."""

    user_id: int | None
    name: str
    role: Role
    via: Via
    scope: Scope = "full"
    address: str = ""
    session: str = ""  # id of the web session, fingerprint of the SSH key or prefix of the token
    token_apps: tuple[str, ...] = field(default=())  # app ids that a scoped token is limited to; empty: all


@dataclass(frozen=True)
class Context:
    """One call of one command."""

    on: Platform
    caller: Caller
