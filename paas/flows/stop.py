"""How does an app stop? Its site says so first, then its copies get SIGTERM; nothing is waited for but them."""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.flows.findings import find_app
from paas.flows.release import check_still_ours
from paas.flows.retire import stop_copy
from paas.flows.rollout import discard_started, for_each
from paas.flows.route import apply_sites
from paas.flows.say import JobLog
from paas.flows.work import Work
from paas.model import Process, update
from paas.model.process import processes_of


def stop(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    say.header(f"Stopping {work.job.app_name}")
    app_id = str(work.job.app_id)
    discard_started(on, app_id)
    want_stopped(on, work)  # from here on it is stopped, and a worker that is killed goes on with the rest
    with work.step("switch"):
        apply_sites(on)
    with work.step("retire"):
        with on.database.read() as session:
            rows = processes_of(session, app_id, "retiring")
        for_each(rows, lambda row: stop_copy(on, row))
    say.header("Stopped")


def want_stopped(on: WorkerPlatform, work: Work) -> None:
    work.shield()
    with on.database.write() as session:
        check_still_ours(session, work)
        app = find_app(session, work)
        app.is_stopped = True
        session.execute(
            update(Process)
            .where(Process.app_id == app.id, Process.state == "live")
            .values(state="retiring", is_routed=False, retire_since=on.clock.now())
        )
