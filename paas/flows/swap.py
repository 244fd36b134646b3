"""How do the copies of the current release change without a new release? As a deploy does it, from the plan on."""

from __future__ import annotations

from collections.abc import Callable

from paas.context import WorkerPlatform
from paas.flows.findings import find_app
from paas.flows.health import wait_until_healthy
from paas.flows.network import prepare_network
from paas.flows.release import check_still_ours
from paas.flows.rollout import Wish, plan_rollout, settle_rollout, start_processes
from paas.flows.route import switch_routes
from paas.flows.say import JobLog
from paas.flows.step import step
from paas.flows.undo import Undo
from paas.flows.work import Work
from paas.model import App, Session
from paas.rules.rollout import Rollout

AlsoTrue = Callable[[Session, App], None]  # what else becomes true with the swap, in its transaction


def swap(on: WorkerPlatform, work: Work, wish: Wish, say: JobLog, also: AlsoTrue) -> Rollout:
    """Have what is wished for run. Nothing old is touched until the new is healthy."""
    with Undo() as undo:
        prepare_network(on, work)
        rollout = plan_rollout(on, work, wish, undo)
        start_processes(on, work, wish.release, rollout)
        wait_until_healthy(on, work, wish.release, rollout, say)
        switch_routes(on, work, rollout, undo)
        make_live(on, work, rollout, also)
        undo.pop_all()
    return rollout


@step("current")
def make_live(on: WorkerPlatform, work: Work, rollout: Rollout, also: AlsoTrue) -> None:
    """The point of no return: one transaction."""
    work.shield()
    with on.database.write() as session:
        check_still_ours(session, work)
        app = find_app(session, work)
        also(session, app)
        settle_rollout(on, session, app.id, rollout)


def is_started(session: Session, app: App) -> None:
    """AlsoTrue of whatever starts an app."""
    app.is_stopped = False
