"""Does what runs equal what is recorded? Compared in both directions, at boot, every 30 s, and when something died.

Docker is listed before the rows are read: a row is written before its container is made, so a container without a row
is a stranger. An app whose job runs is left to the job. What needs more than a start is queued as a repair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial

import structlog

from paas.context import WorkerPlatform
from paas.errors import PaasError
from paas.flows.destroy import resume_destroys
from paas.flows.network import end_rests, ensure_firewall
from paas.flows.prune import remove_unknown_images
from paas.flows.rollout import discard_started, for_each, remove_container
from paas.flows.route import apply_sites
from paas.model import Address, App, Event, Job, Process, Release, func, select, update
from paas.model.job import QUEUED, RUNNING
from paas.ports import Container
from paas.rules import names
from paas.rules.crash import restart_delay
from paas.rules.differences import ENDED_STATES, Differences, Facts, Recorded, Seen, find_differences
from paas.rules.jobs import Repair
from paas.rules.placement import is_within

Hold = Callable[[str], AbstractContextManager[bool]]  # the worker's lock of one app; False: somebody works on it

LAST_READ = 5.0
log = structlog.get_logger(__name__)


def _hold_nothing(app_id: str) -> AbstractContextManager[bool]:
    return nullcontext(True)


def reconcile(on: WorkerPlatform, hold: Hold = _hold_nothing, *, is_boot: bool = False) -> datetime | None:
    """One pass over everything; when the next crashed process is due, if that is known."""
    facts = gather_facts(on, None, is_boot)
    act(on, find_differences(facts), facts, hold)
    fail_abandoned_releases(on)
    resume_destroys(on)
    remove_unknown_networks(on)
    if is_boot:
        remove_unknown_images(on)
    ensure_firewall(on)
    apply_sites(on)
    end_rests(on)
    return next_retry(on)


def reconcile_app(on: WorkerPlatform, app_id: str, hold: Hold = _hold_nothing) -> datetime | None:
    """One app, because one of its containers died; when its next crashed process is due."""
    facts = gather_facts(on, app_id)
    act(on, find_differences(facts), facts, hold)
    return next_retry(on, app_id)


# --- Look -------------------------------------------------------------------------------------------------------------
def gather_facts(on: WorkerPlatform, app_id: str | None, is_boot: bool = False) -> Facts:
    seen = [_seen(container) for container in on.runtime.containers(app_id)]
    with on.database.read() as session:
        query = select(Process, Address.address).outerjoin(Address, Address.container == Process.container)
        query = query if app_id is None else query.where(Process.app_id == app_id)
        pool = on.settings.network_pool
        recorded = [
            _recorded(row, address if address and is_within(address, pool) else None)
            for row, address in session.execute(query)
        ]
        jobs = session.execute(select(Job.id, Job.app_id, Job.state).where(Job.state.in_((QUEUED, RUNNING)))).all()
        going = session.scalars(select(App.id).where(App.is_destroying.is_(True))).all()
    busy = {job.app_id for job in jobs if job.state == RUNNING and job.app_id} | set(going)
    return Facts(recorded, seen, busy, {job.id for job in jobs}, on.clock.now(), is_boot)


def _seen(it: Container) -> Seen:
    return Seen(it.name, it.app_id, it.process_type, it.state, it.job_id, it.started_at, it.address)


def _recorded(row: Process, address: str | None) -> Recorded:
    return Recorded(
        row.container, row.app_id, row.state, row.job_id, row.restarts, row.crashed_at, row.retry_at, address
    )


# --- Act --------------------------------------------------------------------------------------------------------------
def act(on: WorkerPlatform, found: Differences, facts: Facts, hold: Hold) -> None:
    """App by app, several at a time. A deed that fails is logged, and found again by the next pass."""
    apps = {it.container: it.app_id for it in facts.recorded} | {it.name: it.app_id for it in facts.seen}
    deeds: dict[str, list[Callable[[], None]]] = defaultdict(list)
    for names_found, deed in (
        (found.abandoned, discard_abandoned),
        (found.strangers, remove_stranger),
        (found.crashed, note_crash),
        (found.due, start_again),
        (found.recovered, forget_crashes),
        (found.severed, replace_severed),
    ):
        for name in names_found:
            deeds[apps[name]].append(partial(deed, on, apps[name], name))
    for app_id, lost in found.lost.items():
        deeds[app_id].append(partial(queue_repair, on, app_id, lost))
    for_each(list(deeds.items()), lambda item: _do(item[0], item[1], hold))


def _do(app_id: str, deeds: Sequence[Callable[[], None]], hold: Hold) -> None:
    with hold(app_id) as is_free:
        for deed in deeds if is_free else ():
            try:
                deed()
            except PaasError as error:
                log.warning("reconcile", app=app_id, error=str(error))


def discard_abandoned(on: WorkerPlatform, app_id: str, container: str) -> None:
    log.info("discard-abandoned", container=container)
    discard_started(on, app_id)


def remove_stranger(on: WorkerPlatform, app_id: str, container: str) -> None:
    log.info("remove-stranger", container=container)
    remove_container(on, container, LAST_READ)


def note_crash(on: WorkerPlatform, app_id: str, container: str) -> None:
    """Count it, and start it again unless it dies so often that it must wait."""
    found = on.runtime.find(container)
    if found is None or found.state not in ENDED_STATES or not count_crash(on, container, found.exit_code):
        return
    log.info("process-died", container=container, exit_code=found.exit_code, oom_killed=found.oom_killed)
    with on.database.read() as session:
        row = session.get(Process, container)
    if row is not None and row.retry_at is not None and row.retry_at <= on.clock.now():
        start_again(on, app_id, container)


def count_crash(on: WorkerPlatform, container: str, exit_code: int | None) -> bool:
    """Write the crash and the time of the next start down; False when another pass did, or it is live no more."""
    now = on.clock.now()
    with on.database.write() as session:
        row = session.get(Process, container)
        if row is None or row.state != "live" or row.crashed_at is not None:
            return False
        row.restarts += 1
        row.crashed_at = now
        row.exit_code = exit_code
        row.retry_at = now + timedelta(seconds=restart_delay(row.restarts))
        name = session.scalar(select(App.name).where(App.id == row.app_id))
        session.add(
            Event(
                at=now, actor="platform", via="timetable", action="process.died", app_id=row.app_id, app_name=name,
                target=names.display_name(row.process_type, row.copy), result="ok",
                details={"exit_code": exit_code, "restarts": row.restarts},
            )
        )  # fmt: skip
    return True


def start_again(on: WorkerPlatform, app_id: str, container: str) -> None:
    """With the address it kept, so nginx need not know. One that cannot be started is removed and made anew."""
    with on.database.write() as session:
        session.execute(update(Process).where(Process.container == container).values(crashed_at=None, retry_at=None))
    try:
        on.log_keeper.begin(on.runtime.start_again(container))
    except PaasError as error:
        log.warning("start-again", container=container, error=str(error))
        remove_container(on, container, LAST_READ)
        queue_repair(on, app_id, (container,))


def replace_severed(on: WorkerPlatform, app_id: str, container: str) -> None:
    """It runs, but where nginx looks for it nobody answers: somebody took it off its network, or took that away."""
    log.warning("severed", container=container)
    remove_container(on, container, LAST_READ)
    queue_repair(on, app_id, (container,))


def forget_crashes(on: WorkerPlatform, app_id: str, container: str) -> None:
    values = {"restarts": 0, "crashed_at": None, "retry_at": None, "exit_code": None}
    with on.database.write() as session:
        session.execute(update(Process).where(Process.container == container).values(**values))


def queue_repair(on: WorkerPlatform, app_id: str, lost: Sequence[str]) -> None:
    """Queue one for the app, unless a job of it is there already; the next may come only after a while.

    Docker is asked once more: a copy may have become live after all containers were listed.
    """
    lost = [name for name in lost if on.runtime.find(name) is None]
    if not lost:
        return
    now = on.clock.now()
    with on.database.write() as session:
        app = session.get(App, app_id)
        open_jobs = session.scalar(select(func.count()).where(Job.app_id == app_id, Job.state.in_((QUEUED, RUNNING))))
        if app is None or open_jobs:
            return
        for row in session.scalars(select(Process).where(Process.container.in_(lost))):
            row.restarts += 1
            row.retry_at = now + timedelta(seconds=max(restart_delay(row.restarts), on.settings.reconcile_interval))
        session.add(
            Job(
                kind="repair", app_id=app_id, app_name=app.name, payload=Repair().model_dump(mode="json"),
                created_at=now, created_by="platform", user_id=None, via="timetable",
            )
        )  # fmt: skip
    log.info("queue-repair", app=app_id, lost=lost)
    on.worker.ring()


def fail_abandoned_releases(on: WorkerPlatform) -> None:
    """Of jobs that were cancelled, or given up, after their worker had died. Asked in one statement: a job that began
    since the facts were gathered has a release that is pending, too."""
    is_open = select(Job.id).where(Job.state.in_((QUEUED, RUNNING)))
    with on.database.write() as session:
        session.execute(
            update(Release)
            .where(Release.status == "pending", Release.job_id.not_in(is_open))
            .values(status="failed", failure="It was given up", finished_at=on.clock.now())
        )


# --- Networks ---------------------------------------------------------------------------------------------------------
def remove_unknown_networks(on: WorkerPlatform) -> None:
    """Networks of ours whose app is gone, or lives on another subnet by now."""
    networks = on.runtime.networks()
    with on.database.read() as session:
        rows = session.execute(select(App.id, App.subnet)).all()
    known = {(names.network_name(row.id), row.subnet) for row in rows if names.is_app_id(row.id)}
    for network in networks:
        if (network.name, str(network.subnet)) not in known:
            log.info("remove-network", network=network.name)
            try:
                on.runtime.remove_network(network.name)
            except PaasError as error:  # a stranger's container hangs on it: the next pass
                log.warning("remove-network", network=network.name, error=str(error))


def next_retry(on: WorkerPlatform, app_id: str | None = None) -> datetime | None:
    query = select(func.min(Process.retry_at)).where(Process.state == "live", Process.retry_at > on.clock.now())
    with on.database.read() as session:
        return session.scalar(query if app_id is None else query.where(Process.app_id == app_id))
