"""How does a one-off line of a release run? In a container of the new image, found again by name, never run twice.

Its container stays until its job has ended (see retire.py): a job that is run again reads how the line ended.
"""

from __future__ import annotations

from threading import Thread

from paas.context import WorkerPlatform
from paas.errors import DeployError
from paas.flows.containers import mould_of, start_container, task_spec
from paas.flows.findings import app_of, recipe_of
from paas.flows.health import last_lines
from paas.flows.network import ensure_network
from paas.flows.say import JobLog
from paas.flows.step import step
from paas.flows.work import Work
from paas.model import Release
from paas.rules.health import Ending, explain_exit
from paas.rules.names import task_container_name

READ_ON = 5.0  # seconds for the last lines after the end


@step("release", phase="release")
def run_release_task(on: WorkerPlatform, work: Work, release: Release, say: JobLog) -> None:
    """app.json's predeploy script, then the Procfile's `release:` line. Raises DeployError: the old release stays."""
    if not brings_image(release):
        return  # a config change brings no new code, and an old migration tool would meet a newer schema
    recipe = recipe_of(release)
    for name, line in (("predeploy", recipe.manifest.predeploy), ("release", recipe.release_task)):
        if line:
            say.header(f"Running the {name} task: {line}")
            run_task(on, work, release, name, line, say)


def brings_image(release: Release) -> bool:
    return release.cause in ("deploy", "rebuild")


def run_task(on: WorkerPlatform, work: Work, release: Release, name: str, line: str, say: JobLog) -> None:
    """Run a line to its end, its output in the job's log. Raises DeployError or CancelledJobError."""
    container = task_container_name(release.app_id, name, work.job.id)
    found = on.runtime.find(container)
    if found is None or found.state == "created":
        ensure_network(on, release.app_id)
        mould = mould_of(on, app_of(on, work), release)
        start_container(on, task_spec(on, mould, container, line, work.job.id), line)
    exit_code = _await(on, work, container, say)
    if exit_code is None:
        on.runtime.kill(container)
        work.check()
        limit = on.settings.release_timeout
        raise DeployError(
            f"The {name} task took longer than {limit:g} s", "PAAS_RELEASE_TIMEOUT sets the limit", code="task-timeout"
        )
    if exit_code != 0:
        found = on.runtime.find(container)
        ending = Ending(exit_code, bool(found and found.oom_killed), on.settings.memory_limit)
        message, hint = explain_exit(f"The {name} task", ending)
        raise DeployError(message, hint, code="task-failed", tail=last_lines(on, container))


def _await(on: WorkerPlatform, work: Work, container: str, say: JobLog) -> int | None:
    """Exit code, with all output said; None when the time is over or somebody cancelled."""
    lines = on.runtime.log_lines(container, follow=True)

    def read() -> None:
        for line in lines:
            say(line.text)

    reader = Thread(target=read, name=f"read {container}", daemon=True)
    reader.start()
    exit_code = on.runtime.wait(container, on.settings.release_timeout, work.is_cancelled)
    if exit_code is not None:
        reader.join(READ_ON)
    lines.close()
    reader.join(READ_ON)
    return exit_code
