"""What differs between what is recorded and what runs? In both directions, for one app or for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from paas.rules.crash import is_stable
from paas.rules.names import TYPE_RELEASE_TASK, TYPE_RUN

ENDED_STATES = ("created", "exited", "dead")  # `created`: a start that did not happen


@dataclass(frozen=True)
class Recorded:
    """A process row. `address`: where nginx looks for it, if that may be."""

    container: str
    app_id: str
    state: str  # starting, live, retiring
    job_id: int | None
    restarts: int
    crashed_at: datetime | None
    retry_at: datetime | None
    address: str | None


@dataclass(frozen=True)
class Seen:
    """A container. `job_id`: of one-offs and tasks."""

    name: str
    app_id: str
    process_type: str
    state: str
    job_id: int | None
    started_at: datetime | None
    address: str | None


@dataclass(frozen=True)
class Facts:
    """busy: apps that run a job now, which are left to it. open_jobs: queued or running."""

    recorded: Sequence[Recorded]
    seen: Sequence[Seen]
    busy: Collection[str]
    open_jobs: Collection[int]
    now: datetime
    is_boot: bool = False


@dataclass(frozen=True)
class Differences:
    """Container names. `lost`: app -> its live copies without a container."""

    crashed: tuple[str, ...] = ()  # just found dead: to be counted
    due: tuple[str, ...] = ()  # dead, and the wait before the next start is over; or paused by somebody
    recovered: tuple[str, ...] = ()  # alive again, or stable so long that crashes are forgotten
    severed: tuple[str, ...] = ()  # alive, and taken off its network or its address: to be made anew
    lost: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    abandoned: tuple[str, ...] = ()  # rows of an attempt that nobody will go on with
    strangers: tuple[str, ...] = ()  # containers that no row knows


def find_differences(facts: Facts) -> Differences:
    seen = {it.name: it for it in facts.seen}
    recorded = {it.container: it for it in facts.recorded}
    live = [it for it in facts.recorded if it.state == "live" and it.app_id not in facts.busy]
    dead = [it for it in live if it.container in seen and seen[it.container].state in ENDED_STATES]
    lost: dict[str, tuple[str, ...]] = {}
    for row in live:
        if row.container not in seen and _is_due(row, facts.now):
            lost[row.app_id] = (*lost.get(row.app_id, ()), row.container)
    return Differences(
        crashed=tuple(it.container for it in dead if it.crashed_at is None),
        due=tuple(it.container for it in live if _must_start(it, seen.get(it.container), facts.now)),
        recovered=tuple(it.container for it in live if _has_recovered(it, seen.get(it.container), facts.now)),
        severed=tuple(it.container for it in live if _is_severed(it, seen.get(it.container))),
        lost=lost,
        abandoned=tuple(it.container for it in facts.recorded if _is_abandoned(it, facts)),
        strangers=tuple(it.name for it in facts.seen if _is_stranger(it, recorded, facts)),
    )


def _is_due(row: Recorded, now: datetime) -> bool:
    return row.retry_at is None or row.retry_at <= now


def _must_start(row: Recorded, seen: Seen | None, now: datetime) -> bool:
    if seen is None or seen.state not in ENDED_STATES:
        return seen is not None and seen.state == "paused"
    return row.crashed_at is not None and _is_due(row, now)


def _is_severed(row: Recorded, seen: Seen | None) -> bool:
    return seen is not None and seen.state == "running" and row.address is not None and seen.address != row.address


def _has_recovered(row: Recorded, seen: Seen | None, now: datetime) -> bool:
    if seen is None or seen.state != "running":
        return False
    return row.crashed_at is not None or (row.restarts > 0 and is_stable(seen.started_at, now))


def _is_abandoned(row: Recorded, facts: Facts) -> bool:
    return row.state == "starting" and row.app_id not in facts.busy and row.job_id not in facts.open_jobs


def _is_stranger(seen: Seen, recorded: Mapping[str, Recorded], facts: Facts) -> bool:
    if seen.name in recorded or seen.app_id in facts.busy:
        return False
    if seen.process_type == TYPE_RELEASE_TASK:
        return seen.job_id not in facts.open_jobs
    if seen.process_type == TYPE_RUN:
        # Nobody is attached to an interactive one-off (it has no job) once the worker that bridged it is gone; detached
        # ones go when their output was kept (flows/retire.py).
        return seen.job_id is None and facts.is_boot
    return True
