"""What is left to do when the new release serves? Scripts that want it live, and telling the person who waits.

Nothing here fails the deploy: what goes wrong is a line in the log.
"""

from __future__ import annotations

import structlog

from paas.context import WorkerPlatform
from paas.errors import PaasError
from paas.flows.findings import app_of, recipe_of, wanted_formation
from paas.flows.route import first_host
from paas.flows.say import JobLog
from paas.flows.step import step
from paas.flows.task import brings_image, run_task
from paas.flows.work import Work
from paas.model import Release
from paas.rules.formation import WEB, idle_processes

log = structlog.get_logger(__name__)


@step("aftercare")
def conclude(on: WorkerPlatform, work: Work, release: Release, say: JobLog) -> None:
    """Run app.json's postdeploy scripts and say where the app is."""
    try:
        _run_scripts_and_tell(on, work, release, say)
    except Exception as error:  # even a bug of ours does not unmake a release that serves
        log.exception("aftercare", job=work.job.id, error=repr(error))
        work.keep(version=release.version)
        say.quote([f"v{release.version} serves, but what was left to do failed"])


def _run_scripts_and_tell(on: WorkerPlatform, work: Work, release: Release, say: JobLog) -> None:
    _run_scripts(on, work, release, say)
    app = app_of(on, work)
    formation = wanted_formation(on, release)
    if _is_first(on, release) and (idle := idle_processes(formation)):
        say(f"Not started: {', '.join(idle)} (ps:scale {app.name} {idle[0]}=1)")
    host = first_host(on, app) if formation.get(WEB) else None
    url = on.settings.app_url(host) if host else None
    began = work.job.claimed_at or release.created_at
    seconds = round((on.clock.now() - began).total_seconds(), 1)
    work.keep(version=release.version, url=url, seconds=seconds)
    if app.is_stopped:
        say.header(f"Released v{release.version}; {app.name} is stopped: ps:start {app.name}")
    else:
        say.header(f"Released v{release.version} in {seconds:g} s" + (f", live at {url}" if url else ""))


def _run_scripts(on: WorkerPlatform, work: Work, release: Release, say: JobLog) -> None:
    manifest = recipe_of(release).manifest
    scripts = [("postdeploy", manifest.postdeploy)]
    if _is_first(on, release):
        scripts.append(("first-deploy", manifest.first_deploy))
    for name, line in scripts:
        if line is None or not brings_image(release):
            continue
        say.header(f"Running the {name} script: {line}")
        try:
            run_task(on, work, release, name, line, say)
        except PaasError as error:
            say.quote([f"{error.message}; v{release.version} serves all the same"])


def _is_first(on: WorkerPlatform, release: Release) -> bool:
    """Did nothing serve before it?"""
    with on.database.read() as session:
        row = session.get(Release, release.id)
    return row is not None and row.previous_id is None
