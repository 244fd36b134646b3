"""How does a push become work? The SSH door hands over what git knew; one transaction records source and job."""

from __future__ import annotations

from dataclasses import dataclass

from paas.commands.queue import enqueue
from paas.context import Context
from paas.errors import ConflictError
from paas.model import App, Event, Job, Session, Source, select
from paas.model.job import QUEUED, RUNNING, ahead_of, supersede_queued
from paas.rules.jobs import Deploy, Push


@dataclass(frozen=True)
class PushedSource:
    """The tar file that the door wrote into its inbox. `file`: its name there."""

    file: str
    sha256: str
    size: int
    commit: str
    branch: str
    author: str
    subject: str


@dataclass(frozen=True)
class QueuedPush:
    """`ahead`: jobs of the app that come before. `superseded`: queued pushes that this one replaced."""

    job_id: int
    ahead: int
    superseded: tuple[int, ...]


def commits_ahead(session: Session, app: App) -> list[str]:
    """Where the branch stands, and where it will by the pushes that run or wait: git is asked which are ancestors."""
    jobs = session.scalars(
        select(Job).where(Job.app_id == app.id, Job.kind == "deploy", Job.state.in_((QUEUED, RUNNING))).order_by(Job.id)
    )
    pushed = [str(job.payload["push"]["new"]) for job in jobs if job.payload.get("push")]
    current = session.scalar(select(App.branch_commit).where(App.id == app.id))
    return list(dict.fromkeys([*([current] if current else []), *pushed]))


def check_unlocked(app: App) -> None:
    """Raises ConflictError (code `app-locked`) while deploys of the app are locked."""
    if app.is_locked:
        raise ConflictError(f"Deploys of {app.name} are locked", f"apps:unlock {app.name}", code="app-locked")


def queue_push(ctx: Context, app: App, source: PushedSource, push: Push, *, no_cache: bool = False) -> QueuedPush:
    """Record the source and queue its deploy; older queued pushes of the app are superseded. Rings the worker."""
    now = ctx.on.clock.now()
    with ctx.on.database.write() as session:
        fresh = session.get(App, app.id)
        if fresh is None or fresh.is_destroying:
            raise ConflictError(f"{app.name} is being destroyed", "apps:list", code="app-destroyed")
        check_unlocked(fresh)
        row = Source(
            app_id=app.id,
            kind="git",
            inbox="ssh",
            file=source.file,
            sha256=source.sha256,
            size=source.size,
            commit=source.commit,
            branch=source.branch,
            author=source.author,
            subject=source.subject,
            created_at=now,
        )
        session.add(row)
        session.flush()
        job = enqueue(session, ctx, app, Deploy(source_id=row.id, push=push, no_cache=no_cache))
        session.add(_event(ctx, app, push, job))
        superseded = supersede_queued(session, app.id, "deploy", now, job.id)
        ahead = ahead_of(session, job)
    ctx.on.worker.ring()
    return QueuedPush(job.id, ahead, tuple(superseded))


def _event(ctx: Context, app: App, push: Push, job: Job) -> Event:
    """The audit line of a push; the deploy's own result follows as an event of its job."""
    return Event(
        at=ctx.on.clock.now(),
        actor=ctx.caller.name,
        user_id=ctx.caller.user_id,
        via=ctx.caller.via,
        address=ctx.caller.address,
        action="git:push",
        app_id=app.id,
        app_name=app.name,
        target=f"{push.branch} {push.new[:12]}",
        result="ok",
        job_id=job.id,
    )
