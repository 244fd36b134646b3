"""How does a stopped app come back? Whatever is wanted and does not run is started."""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.flows.findings import current_release_of, wanted_formation
from paas.flows.rollout import Wish
from paas.flows.say import JobLog
from paas.flows.swap import is_started, swap
from paas.flows.work import Work


def start(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    release = current_release_of(on, work)
    say.header(f"Starting v{release.version}")
    rollout = swap(on, work, Wish(release, wanted_formation(on, release), lambda copy: False), say, is_started)
    say.header(f"Started {', '.join(copy.name for copy in rollout.start) or 'nothing: all of it runs'}")
