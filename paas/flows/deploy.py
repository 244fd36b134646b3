"""How does a pushed source come to serve? As a straight line. Each step may run twice; a later failure undoes it.

`deploy` makes an image, `go_live` makes a release of it; config changes, rollbacks and rebuilds go live the same way.
"""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.flows.aftercare import conclude
from paas.flows.build import build_image, choose_builder
from paas.flows.drafts import draft_build
from paas.flows.findings import app_of, order_of, wanted_formation
from paas.flows.health import wait_until_healthy
from paas.flows.network import prepare_network
from paas.flows.receive import receive_source, take_turn
from paas.flows.release import Draft, cut_release, make_current
from paas.flows.rollout import Wish, plan_rollout, start_processes
from paas.flows.route import switch_routes
from paas.flows.say import JobLog
from paas.flows.task import run_release_task
from paas.flows.undo import Undo
from paas.flows.work import Work
from paas.model import Release
from paas.rules.jobs import Deploy


def deploy(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    order = order_of(work, Deploy)
    app = take_turn(on, work, order)
    source = receive_source(on, work, order)
    plan = choose_builder(on, work, app, source, say)
    image = build_image(on, work, plan, say, order.no_cache)
    go_live(on, work, draft_build(on, plan, image, "deploy"), say)


def go_live(on: WorkerPlatform, work: Work, draft: Draft, say: JobLog) -> None:
    """Make a release of an image and have it serve. Nothing old is touched until the new is healthy."""
    with Undo() as undo:
        release = cut_release(on, work, draft, undo)
        run_release_task(on, work, release, say)
        prepare_network(on, work)
        rollout = plan_rollout(on, work, new_release(on, work, release), undo)
        start_processes(on, work, release, rollout)
        wait_until_healthy(on, work, release, rollout, say)
        switch_routes(on, work, rollout, undo)
        make_current(on, work, release, rollout)
        undo.pop_all()  # past this line the new release is the truth
    conclude(on, work, release, say)  # the old copies retire behind the pusher's back: see retire.py


def new_release(on: WorkerPlatform, work: Work, release: Release) -> Wish:
    """All copies anew; none when the app is stopped and only its variables change."""
    stays_stopped = release.cause == "config" and app_of(on, work).is_stopped
    formation = {} if stays_stopped else wanted_formation(on, release)
    return Wish(release, formation, renews=lambda copy: True)
