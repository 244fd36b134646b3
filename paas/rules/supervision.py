"""Which processes does `paas up` keep alive, as whom, and how soon is a dead one started again?

Standard library only: the supervisor holds these values in memory for months (decision record 0001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

FIRST_DELAY = 0.1
LONGEST_DELAY = 30.0
STEADY_AFTER = 10.0  # who stayed up this long starts over with the first delay
WELL_KNOWN_PORTS = 1024


@dataclass(frozen=True)
class ChildPlan:
    """One process to keep alive. `user` empty: stays root. `stop_timeout`: seconds between SIGTERM and SIGKILL.

    `longest_delay`: the longest wait before it is started again (s).
    """

    name: str
    command: tuple[str, ...]
    user: str = ""
    group: str = ""
    groups: tuple[str, ...] = ()
    stop_timeout: float = 10.0
    longest_delay: float = LONGEST_DELAY
    may_bind_low_ports: bool = False

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> ChildPlan:
        return cls(**{**body, "command": tuple(body["command"]), "groups": tuple(body["groups"])})


@dataclass(frozen=True)
class ProcessStatus:
    """One line of `paas status`. `pss`: proportional memory of it and its children, bytes."""

    name: str
    pid: int | None
    state: str
    since: datetime | None
    pss: int
    restarts: int = 0


@dataclass(frozen=True)
class SupervisorPlan:
    """Everything the supervisor knows. `sqlite` empty: the database is elsewhere and needs nobody to hold it open."""

    python: str
    root: str  # folder that holds `paas/`
    lock_file: str
    state_file: str
    log_file: str
    log_limit: int
    sqlite: str
    nursery_command: tuple[str, ...]  # loads what children share, and forks them; empty: each child loads its own
    nginx_pid_file: str
    nginx_command: tuple[str, ...]
    replan_command: tuple[str, ...]  # prints the plan of the installed release, for a restart into new code
    environment: tuple[tuple[str, str], ...]
    children: tuple[ChildPlan, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> SupervisorPlan:
        children = tuple(ChildPlan.from_json(child) for child in body["children"])
        return cls(
            **{
                **body,
                "children": children,
                "nursery_command": tuple(body["nursery_command"]),
                "nginx_command": tuple(body["nginx_command"]),
                "replan_command": tuple(body["replan_command"]),
                "environment": tuple((name, value) for name, value in body["environment"]),
            }
        )


def next_delay(uptime: float, previous: float, longest: float = LONGEST_DELAY) -> float:
    """Seconds to wait before a process that lived `uptime` seconds is started again, after a wait of `previous`."""
    if uptime >= STEADY_AFTER or previous <= 0:
        return min(FIRST_DELAY, longest)
    return min(previous * 2, longest)


def command_of(child: ChildPlan) -> list[str]:
    """The words that start it: `setpriv` changes the user first, then asks for SIGTERM at the supervisor's death.

    The order matters: the kernel forgets the death signal when the user changes (prctl(2), PR_SET_PDEATHSIG).
    """
    words = ["setpriv", "--pdeathsig", "TERM"]
    if child.user:
        words += ["--reuid", child.user, "--regid", child.group or child.user]
        words += ["--groups", ",".join(child.groups)] if child.groups else ["--clear-groups"]
        words += ["--no-new-privs"]
        if child.may_bind_low_ports:
            words += ["--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service"]
    return [*words, "--", *child.command]


def is_forked(plan: SupervisorPlan, child: ChildPlan) -> bool:
    """From the nursery, unless it needs a right that only `setpriv` can hand on."""
    return bool(plan.nursery_command) and not child.may_bind_low_ports


def stop_order(names: Sequence[str]) -> list[str]:
    """Doors close before the worker does: nothing new is asked of it while it ends."""
    return list(reversed(names))
