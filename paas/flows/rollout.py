"""How do new copies come to run beside the old ones, and how does the change become the truth?

Rows are written before their containers are made, so nothing exists that no row knows. Nothing old is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from paas.context import WorkerPlatform
from paas.flows.containers import copy_spec, mould_of, start_container
from paas.flows.findings import app_of, find_app
from paas.flows.network import release_addresses, take_address
from paas.flows.route import route_back
from paas.flows.step import step
from paas.flows.undo import Undo
from paas.flows.work import Work
from paas.model import Address, Process, Release, Session, delete, select, update
from paas.model.app import next_rollout
from paas.model.process import processes_of
from paas.rules.rollout import Copy, Rollout
from paas.rules.rollout import plan_rollout as decide_rollout

AT_ONCE = 8  # Docker starts five to six containers a second on two cores, however many are asked for
LAST_READ = 5.0  # seconds for the last lines of a copy that never served

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Wish:
    """What is to run. `renews`: must this live copy be replaced? (all for a release, none to scale)"""

    release: Release
    formation: Mapping[str, int]
    renews: Callable[[Copy], bool]


# --- Plan -------------------------------------------------------------------------------------------------------------
@step("plan")
def plan_rollout(on: WorkerPlatform, work: Work, wish: Wish, undo: Undo) -> Rollout:
    """Decide what starts and what goes; write rows and addresses of what starts."""
    app_id = wish.release.app_id
    discard_started(on, app_id)  # what a dead attempt left: it may have been half made
    undo.by(discard_started, on, app_id)
    with on.database.write() as session:
        app = find_app(session, work)
        live = [copy_of(row) for row in processes_of(session, app_id, "live")]
        renew = {copy.container for copy in live if wish.renews(copy)}
        rollout = decide_rollout(app_id, next_rollout(session, app_id), wish.formation, live, renew)
        for copy in rollout.start:
            session.add(_row_of(on, work, wish.release, copy))
            take_address(session, app, copy.container)
    return rollout


def copy_of(row: Process) -> Copy:
    return Copy(row.container, row.process_type, row.copy, row.rollout)


def _row_of(on: WorkerPlatform, work: Work, release: Release, copy: Copy) -> Process:
    return Process(
        container=copy.container,
        app_id=release.app_id,
        process_type=copy.process_type,
        copy=copy.copy,
        rollout=copy.rollout,
        release_id=release.id,
        job_id=work.job.id,
        state="starting",
        created_at=on.clock.now(),
    )


# --- Start ------------------------------------------------------------------------------------------------------------
@step("start", phase="start")
def start_processes(on: WorkerPlatform, work: Work, release: Release, rollout: Rollout) -> None:
    """Start all new copies at the same time. Raises DeployError for the first that cannot start."""
    mould = mould_of(on, app_of(on, work), release)
    addresses = addresses_of(on, rollout.start)

    def start(copy: Copy) -> None:
        work.check()
        spec = copy_spec(on, mould, copy, addresses[copy.container])
        on.log_keeper.begin(start_container(on, spec, release.processes.get(copy.process_type)))

    for_each(rollout.start, start)


def addresses_of(on: WorkerPlatform, copies: Sequence[Copy]) -> dict[str, str]:
    """Container name -> address."""
    wanted = [copy.container for copy in copies]
    with on.database.read() as session:
        rows = session.scalars(select(Address).where(Address.container.in_(wanted))).all()
    return {row.container: row.address for row in rows if row.container}


def for_each(things: Sequence[T], deed: Callable[[T], R], at_once: int = AT_ONCE) -> list[R]:
    """Do it for all at the same time; when some fail, all are waited for and the first failure is raised."""
    if len(things) <= 1:
        return [deed(thing) for thing in things]
    with ThreadPoolExecutor(min(len(things), at_once)) as pool:
        futures = [pool.submit(deed, thing) for thing in things]
    return [future.result() for future in futures]


# --- Take back --------------------------------------------------------------------------------------------------------
def discard_started(on: WorkerPlatform, app_id: str) -> None:
    """Remove copies that were started and never became live, and their rows. Traffic first, if it was there already."""
    with on.database.read() as session:
        rows = processes_of(session, app_id, "starting")
    if any(row.is_routed for row in rows):
        route_back(on, app_id)
    for_each([row.container for row in rows], lambda name: remove_container(on, name, LAST_READ))
    forget_processes(on, [row.container for row in rows])


def remove_container(on: WorkerPlatform, name: str, last_read: float) -> None:
    """Kill it, let its last lines be read, and remove it."""
    on.runtime.kill(name)
    on.log_keeper.finish(name, last_read)
    on.runtime.remove(name)


def forget_processes(on: WorkerPlatform, containers: list[str]) -> None:
    """After their containers are gone: delete the rows, let the addresses rest."""
    if not containers:
        return
    with on.database.write() as session:
        release_addresses(on, session, containers)
        session.execute(delete(Process).where(Process.container.in_(containers)))


# --- Become the truth -------------------------------------------------------------------------------------------------
def settle_rollout(on: WorkerPlatform, session: Session, app_id: str, rollout: Rollout) -> None:
    """In the transaction that makes it true: what started is live, what goes is retiring."""
    started = [copy.container for copy in rollout.start]
    going = [copy.container for copy in rollout.retire]
    session.execute(update(Process).where(Process.container.in_(started)).values(state="live"))
    session.execute(
        update(Process)
        .where(Process.container.in_(going))
        .values(state="retiring", is_routed=False, retire_since=on.clock.now())
    )
