"""How does an app come back whose containers are gone? New copies of what is recorded and not there."""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.flows.findings import current_release_of, find_app, wanted_formation
from paas.flows.rollout import Wish
from paas.flows.say import JobLog
from paas.flows.swap import swap
from paas.flows.work import Work


def repair(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    with on.database.read() as session:
        app = find_app(session, work)
    if app.is_stopped or app.current_release_id is None:
        return
    release = current_release_of(on, work)
    there = {container.name for container in on.runtime.containers(app.id)}
    wish = Wish(release, wanted_formation(on, release), lambda copy: copy.container not in there)
    rollout = swap(on, work, wish, say, lambda session, app: None)
    say.header(f"Started anew: {', '.join(copy.name for copy in rollout.start) or 'nothing'}")
