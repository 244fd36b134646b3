"""builds:* - what was asked of the worker for an app: deploys and other jobs, their output, and cancelling them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from paas.commands import present
from paas.commands.declare import Help, command
from paas.commands.follow import follow_lines
from paas.commands.results import Done, LineStream
from paas.commands.words import TheApp
from paas.context import Context
from paas.errors import ConflictError, NotFoundError
from paas.model import App, Job, JobStep, Session, and_, or_, select, update
from paas.model.job import CANCELLED, QUEUED, RUNNING

BuildId = Annotated[str, Help("number of the build, as builds:list shows it, or: current")]


@dataclass(frozen=True)
class BuildLine:
    id: int
    kind: str
    state: str
    created_at: datetime
    seconds: float | None
    by: str
    via: str
    result: str
    commit: str | None


@dataclass(frozen=True)
class StepView:
    name: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    log_offset: int


@dataclass(frozen=True)
class BuildView:
    id: int
    app: str
    kind: str
    state: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    by: str
    via: str
    commit: str | None
    attempt: int
    step: str | None
    code: str
    message: str
    hint: str
    result: dict[str, Any]
    steps: list[StepView] = field(default_factory=list)


def _show_list(builds: list[BuildLine]) -> str:
    rows = [(each.id, each.kind, each.state, each.created_at, each.seconds, each.by, each.result) for each in builds]
    return present.table(("id", "kind", "state", "created", "seconds", "by", "result"), rows)


@command("builds:list", allow="view", api="GET /apps/{app}/builds", aliases=("builds",), show=_show_list)
def list_(ctx: Context, app: TheApp, *, number: Annotated[int, Help("at most so many")] = 25) -> list[BuildLine]:
    """List the builds and other jobs of an app, newest first.

    $ ssh paas@host builds:list blog
    """
    with ctx.on.database.read() as session:
        jobs = list(
            session.scalars(
                select(Job).where(Job.app_id == app.id).order_by(Job.id.desc()).limit(max(1, min(number, 500)))
            )
        )
    return [
        BuildLine(
            job.id,
            job.kind,
            job.state,
            job.created_at,
            _seconds(job),
            present.harmless(job.created_by),
            job.via,
            job.result_message or (f"v{job.result['version']}" if "version" in job.result else ""),
            _commit(job),
        )
        for job in jobs
    ]


def _commit(job: Job) -> str | None:
    """The pushed commit; other causes deploy what is there already."""
    return (job.payload.get("push") or {}).get("new")


def _seconds(job: Job) -> float | None:
    if job.ended_at is None or job.claimed_at is None:
        return None
    return round((job.ended_at - job.claimed_at).total_seconds(), 1)


def find_job(session: Session, app: App, build: str) -> Job:
    """The job with this number, or the newest for `current`. Raises NotFoundError for another app's as for none.

    A change of all routes (kind `route`) waits for no app and bears its name only; it is found under that name.
    """
    for_all = and_(Job.app_id.is_(None), Job.app_name == app.name, Job.created_at >= app.created_at)
    query = select(Job).where(Job.app_id == app.id if build == "current" else or_(Job.app_id == app.id, for_all))
    if build == "current":
        job = session.scalar(query.order_by(Job.id.desc()).limit(1))
    elif build.isascii() and build.isdigit() and len(build) < 18:
        job = session.scalar(query.where(Job.id == int(build)))
    else:
        job = None
    if job is None:
        raise NotFoundError(
            f"{app.name} has no build {build[:40]!a}", f"builds:list {app.name}", code="build-not-found"
        )
    return job


def _show_info(view: BuildView) -> str:
    phases = [[step.name, step.state, _spent(step), step.started_at] for step in view.steps]
    facts = present.as_text(replace(view, steps=[]))
    return "\n".join([facts, *(["", present.table(["phase", "state", "seconds", "since"], phases)] if phases else [])])


def _spent(step: StepView) -> str:
    return f"{(step.ended_at - step.started_at).total_seconds():.1f}" if step.ended_at else ""


@command("builds:info", allow="view", api="GET /apps/{app}/builds/{build}", show=_show_info)
def info(ctx: Context, app: TheApp, build: BuildId) -> BuildView:
    """Show one build: its phases with their times, and how it ended.

    $ ssh paas@host builds:info blog 17
    """
    with ctx.on.database.read() as session:
        job = find_job(session, app, build)
        steps = list(session.scalars(select(JobStep).where(JobStep.job_id == job.id).order_by(JobStep.id)))
    return BuildView(
        id=job.id,
        app=app.name,
        kind=job.kind,
        state=job.state,
        created_at=job.created_at,
        started_at=job.claimed_at,
        ended_at=job.ended_at,
        by=job.created_by,
        via=job.via,
        commit=_commit(job),
        attempt=job.attempt,
        step=job.step,
        code=job.result_code or "",
        message=job.result_message or "",
        hint=job.result_hint or "",
        result=dict(job.result),
        steps=[StepView(step.name, step.state, step.started_at, step.ended_at, step.log_offset) for step in steps],
    )


@command("builds:output", allow="view", api="GET /apps/{app}/builds/{build}/output")
def output(ctx: Context, app: TheApp, build: BuildId = "current") -> LineStream:
    """Print the log of a build, and go on while it runs.

    $ ssh paas@host builds:output blog
    """
    with ctx.on.database.read() as session:
        job = find_job(session, app, build)

    return LineStream(follow_lines(ctx.on, job.id))


@command("builds:cancel", allow="deploy", api="POST /apps/{app}/builds/cancel")
def cancel(
    ctx: Context, app: TheApp, *, build: Annotated[str, Help("one build; without it: what runs and what waits")] = ""
) -> Done:
    """Stop an app's builds that run or are queued; after traffic was switched it is too late.

    $ ssh paas@host builds:cancel blog
    """
    ended = {
        "state": CANCELLED,
        "ended_at": ctx.on.clock.now(),
        "result_code": "cancelled",
        "result_message": f"Cancelled by {ctx.caller.name}",
    }
    with ctx.on.database.write() as session:
        mine = [Job.app_id == app.id, Job.kind != "destroy"]
        if build:
            mine.append(Job.id == find_job(session, app, build).id)
        # What was begun is the worker's to end, also when its worker died: it may be past the point of no return.
        new = and_(Job.state == QUEUED, Job.attempt == 0)
        begun = and_(Job.state.in_((QUEUED, RUNNING)), Job.attempt > 0)
        waiting = list(session.scalars(update(Job).where(*mine, new).values(**ended).returning(Job.id)))
        wish = update(Job).where(*mine, begun).values(cancel_by=ctx.caller.name)
        running = list(session.scalars(wish.returning(Job.id)))
    if not waiting and not running:
        raise ConflictError(f"No build of {app.name} runs or waits", f"builds:list {app.name}", code="build-ended")
    ctx.on.worker.ring()
    return Done(f"Cancelling {', '.join(f'build {number}' for number in [*running, *waiting])}")
