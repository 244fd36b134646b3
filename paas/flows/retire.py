"""How do copies that serve no more go away? Behind the pusher's back: drain, SIGTERM, SIGKILL, last lines, remove.

A pass looks at all of them and never waits for connections; the worker makes passes while there is something to do.
Here goes too what jobs leave behind on purpose: the containers of release tasks, once their job has ended.
"""

from __future__ import annotations

from collections import defaultdict

import structlog

from paas.context import WorkerPlatform
from paas.errors import PaasError
from paas.flows.containers import drain_timeout_of, stop_timeout_of
from paas.flows.network import end_rests
from paas.flows.oneoff import end_detached
from paas.flows.prune import prune_app
from paas.flows.rollout import for_each, forget_processes
from paas.model import Address, App, Job, Process, select
from paas.model.job import QUEUED, RUNNING
from paas.rules.differences import ENDED_STATES
from paas.rules.formation import WEB
from paas.rules.lifetime import may_stop
from paas.rules.names import TYPE_RELEASE_TASK, TYPE_RUN

log = structlog.get_logger(__name__)


def retire(on: WorkerPlatform) -> int:
    """One pass over all retiring copies; how many still drain."""
    with on.database.read() as session:
        rows = list(session.scalars(select(Process).where(Process.state == "retiring")))
    ready = [row for row in rows if is_drained(on, row)]
    stopped = {name for name in for_each(ready, lambda row: try_to_stop(on, row)) if name}
    left: dict[str, int] = defaultdict(int)
    for row in rows:
        left[row.app_id] += row.container not in stopped
    for app_id in [app_id for app_id, copies in left.items() if not copies]:
        prune_app(on, app_id)  # not before: a container holds its image
    remove_tasks(on)
    end_rests(on)
    return len(rows) - len(ready)


def is_drained(on: WorkerPlatform, row: Process) -> bool:
    """Nobody speaks to it through nginx any more, or the wait was long enough."""
    if row.process_type != WEB or row.retire_since is None:
        return True
    with on.database.read() as session:
        address = session.scalar(select(Address.address).where(Address.container == row.container))
        app = session.get(App, row.app_id)
    if address is None or app is None:
        return True
    waited = (on.clock.now() - row.retire_since).total_seconds()
    return may_stop(on.proxy.connections_to(address), waited, drain_timeout_of(on, app))


def try_to_stop(on: WorkerPlatform, row: Process) -> str:
    """Its container; "" when Docker would not, which must not keep the others. The next pass tries again."""
    try:
        stop_copy(on, row)
    except PaasError as error:
        log.warning("retire", container=row.container, error=str(error))
        return ""
    return row.container


def stop_copy(on: WorkerPlatform, row: Process) -> None:
    """Stop a retiring copy for good. May run twice, and at the same time as `ps:stop`."""
    with on.database.read() as session:
        app = session.get(App, row.app_id)
    timeout = stop_timeout_of(on, app) if app else on.settings.stop_timeout
    on.runtime.stop(row.container, timeout)
    on.log_keeper.finish(row.container)
    on.runtime.remove(row.container)
    forget_processes(on, [row.container])


def remove_tasks(on: WorkerPlatform) -> None:
    """Containers of release tasks whose job has ended, and detached one-offs that have."""
    tasks = [it for it in on.runtime.containers() if it.process_type in (TYPE_RELEASE_TASK, TYPE_RUN) and it.job_id]
    if not tasks:
        return
    with on.database.read() as session:
        open_jobs = set(session.scalars(select(Job.id).where(Job.state.in_((QUEUED, RUNNING)))))
    for task in tasks:
        if task.job_id in open_jobs:
            continue
        if task.process_type == TYPE_RELEASE_TASK:
            on.runtime.remove(task.name)
        elif task.state in ENDED_STATES:
            end_detached(on, task)
