"""What is too old to be of use? Spent tickets, ended sessions, forgiven sign-ins, and old pages of the two ledgers."""

from __future__ import annotations

from datetime import datetime, timedelta

from paas.context import WorkerPlatform
from paas.model import (
    ConfigChange,
    Event,
    Job,
    LoginFailure,
    Release,
    Session,
    Ticket,
    WebSession,
    delete,
    func,
    select,
)  # fmt: skip
from paas.model.job import ENDED

BATCH = 500


def expire(on: WorkerPlatform) -> None:
    now = on.clock.now()
    forgiven = now - timedelta(seconds=on.settings.login_lockout)
    with on.database.write() as session:
        session.execute(delete(Ticket).where(Ticket.expires_at <= now))
        session.execute(delete(WebSession).where(WebSession.expires_at <= now))
        session.execute(delete(LoginFailure).where(LoginFailure.at <= forgiven))
        session.execute(delete(Event).where(Event.at < now - timedelta(days=on.settings.event_history_days)))
    forget_jobs(on, now - timedelta(days=on.settings.job_history_days))


def forget_jobs(on: WorkerPlatform, before: datetime) -> None:
    """Jobs that ended before that moment, with their logs and what they were to change. Logs first: who is killed in
    between finds the rows again."""
    while True:
        with on.database.read() as session:
            ids = find_old_jobs(session, before)
        for job_id in ids:
            on.logs.remove(f"jobs/{job_id}.log")
        with on.database.write() as session:
            session.execute(delete(Job).where(Job.id.in_(ids)))
        if len(ids) < BATCH:
            break
    waiting = select(Job.app_id).where(Job.kind == "config", Job.state.not_in(ENDED))
    with on.database.write() as session:
        session.execute(
            delete(ConfigChange).where(ConfigChange.created_at < before, ConfigChange.app_id.not_in(waiting))
        )


def find_old_jobs(session: Session, before: datetime) -> list[int]:
    """Not those of releases that serve. Not the newest one: SQLite would give its number to the next, and releases and
    images know their jobs by number."""
    newest = select(func.max(Job.id)).scalar_subquery()
    serving = select(Release.job_id).where(Release.status == "current", Release.job_id.is_not(None))
    is_old = (Job.state.in_(ENDED), Job.ended_at < before, Job.id < newest, Job.id.not_in(serving))
    return list(session.scalars(select(Job.id).where(*is_old).order_by(Job.id).limit(BATCH)))
