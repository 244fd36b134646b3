"""Which flow does a job run, and what does the person who waits read when it fails?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from paas.context import WorkerPlatform
from paas.errors import CancelledJobError, DeployError, PaasError
from paas.flows.aftercare import conclude
from paas.flows.config import apply_config
from paas.flows.deploy import deploy
from paas.flows.destroy import destroy
from paas.flows.findings import release_of_job
from paas.flows.oneoff import run_detached, stop_runs
from paas.flows.prune import prune
from paas.flows.rebuild import rebuild
from paas.flows.repair import repair
from paas.flows.restart import restart
from paas.flows.rollback import rollback
from paas.flows.route import route
from paas.flows.say import JobLog
from paas.flows.scale import scale
from paas.flows.start import start
from paas.flows.stop import stop
from paas.flows.variables import open_snapshot, read_change, read_config
from paas.flows.work import Flow, Work
from paas.model import App, ConfigChange, Event, JobStep, Release, select
from paas.ports import Say
from paas.rules.jobs import ApplyConfig

Story = Callable[[WorkerPlatform, Work, JobLog], None]

STORIES: Mapping[str, Story] = {
    "deploy": deploy,
    "config": apply_config,
    "rollback": rollback,
    "rebuild": rebuild,
    "restart": restart,
    "scale": scale,
    "stop": stop,
    "start": start,
    "repair": repair,
    "destroy": destroy,
    "run": run_detached,
    "stop-run": stop_runs,
    "route": route,
    "prune": prune,
}


def run_job(on: WorkerPlatform, work: Work, say: Say) -> None:
    """Run a claimed job from the top, also when it was begun before. Raises what the flow raises."""
    lines = JobLog(say, on.settings.build_log_limit)
    hide_secrets(on, work, lines)
    try:
        earlier = release_of_job(on, work)
        if earlier is None or earlier.status == "pending":
            STORIES[work.job.kind](on, work, lines)
        elif earlier.status == "failed":
            raise DeployError(earlier.failure or f"v{earlier.version} failed", code="deploy-failed")
        else:
            conclude(on, work, earlier, lines)  # the worker died behind the point of no return
    except PaasError as error:
        lines.conceal(error)
        explain_failure(on, work, error, lines)
        record_event(on, work, error.code)
        raise
    record_event(on, work, "ok")


PHASES = {
    "receive": "The source could not be taken over",
    "detect": "How to build this could not be found out",
    "build": "The build failed",
    "release": "The release phase failed",
    "start": "The new processes could not be started",
    "health": "The new processes are not healthy",
    "switch": "Traffic could not be moved",
}

FLOWS: Mapping[str, Flow] = dict.fromkeys(STORIES, run_job)


def record_event(on: WorkerPlatform, work: Work, result: str) -> None:
    """For the audit trail: a push is no command, so nothing else says that it deployed."""
    job = work.job
    if job.app_id is None:
        return
    with on.database.write() as session:
        session.add(
            Event(
                at=on.clock.now(), actor=job.created_by, user_id=job.user_id, via=job.via, address=job.address,
                action=f"{job.kind}.{'succeeded' if result == 'ok' else 'failed'}", app_id=job.app_id,
                app_name=job.app_name, result=result, job_id=job.id,
            )
        )  # fmt: skip


def hide_secrets(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    """No value of the app's variables is written into the log."""
    if work.job.app_id is None:
        return
    with on.database.read() as session:
        app = session.get(App, work.job.app_id)
        if app is None:
            return
        say.hide(read_config(on, session, app.id))
        release = session.get(Release, app.current_release_id) if app.current_release_id else None
        if release is not None:
            say.hide(open_snapshot(on, release))
        change = session.get(ConfigChange, work.order.change_id) if isinstance(work.order, ApplyConfig) else None
        if change is not None:
            say.hide(read_change(on, change).variables)


def explain_failure(on: WorkerPlatform, work: Work, error: PaasError, say: JobLog) -> None:
    """What happened, the last lines of what failed, a hint, and what serves now."""
    with on.database.read() as session:
        phase = session.scalar(select(JobStep.name).where(JobStep.job_id == work.job.id, JobStep.state == "failed"))
    if phase in PHASES and not isinstance(error, CancelledJobError):
        say.remark(PHASES[phase])
    say.quote(getattr(error, "tail", ()))
    say.remark(f"{error.message}  [{error.code}]")
    if error.hint:
        say.remark(error.hint)
    with on.database.read() as session:
        app = session.get(App, work.job.app_id) if work.job.app_id else None
        current = session.get(Release, app.current_release_id) if app and app.current_release_id else None
    if app is not None and current is not None and not app.is_stopped and work.job.kind not in ("stop", "destroy"):
        say.remark(f"v{current.version} still serves")
