"""How are processes restarted without a failed request? New copies of the same release beside the old ones."""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.errors import BadInputError
from paas.flows.findings import current_release_of, order_of, wanted_formation
from paas.flows.rollout import Wish
from paas.flows.say import JobLog
from paas.flows.swap import is_started, swap
from paas.flows.work import Work
from paas.model import Release
from paas.rules.jobs import Restart


def restart(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    release = current_release_of(on, work)
    chosen = choose_types(release, order_of(work, Restart).process_types)
    say.header(f"Restarting {', '.join(chosen) or 'all processes'} of v{release.version}")
    wish = Wish(release, wanted_formation(on, release), lambda copy: not chosen or copy.process_type in chosen)
    rollout = swap(on, work, wish, say, is_started)
    say.header(f"Restarted: {', '.join(copy.name for copy in rollout.start) or 'nothing is to run'}")


def choose_types(release: Release, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Raises BadInputError (code `unknown-process`) for a process that the release has not."""
    for process_type in wanted:
        if process_type not in release.processes:
            known = ", ".join(release.processes)
            raise BadInputError(f"There is no process {process_type}", f"there is {known}", code="unknown-process")
    return wanted
