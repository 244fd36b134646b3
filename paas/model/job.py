"""What is to be done, by whom is it being done, and how did it end? The queue, which is also the lock of each app.

Every mutation that touches anything outside the database is a row here. Claimed by a conditional update; a partial
unique index allows one running job per app (and one global job at a time). Payloads are `rules/jobs.py` values.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from paas.model.base import Base

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED, SUPERSEDED = (
    "queued", "running", "succeeded", "failed", "cancelled", "superseded",
)  # fmt: skip
ENDED = (SUCCEEDED, FAILED, CANCELLED, SUPERSEDED)


class Job(Base):
    __tablename__ = "job"
    __table_args__ = (
        Index("uq_job_running_per_app", text("coalesce(app_id, '')"), unique=True,
              sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'")),
        Index("ix_job_state_priority", "state", "priority", "id"),
        Index("ix_job_app", "app_id", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    app_id: Mapped[str | None]  # None: global. No foreign key: the ledger outlives the app
    app_name: Mapped[str | None]  # as it was
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default=QUEUED)
    priority: Mapped[int] = mapped_column(default=0)  # higher first
    is_heavy: Mapped[bool] = mapped_column(default=False)  # counts against settings.builds_at_once
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    user_id: Mapped[int | None]
    via: Mapped[str]
    address: Mapped[str] = mapped_column(default="")

    # While it runs
    claimed_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None]  # "<pid>:<start time in clock ticks>"
    fence: Mapped[int] = mapped_column(default=0)  # grows with every claim; finishing needs the claimed one
    attempt: Mapped[int] = mapped_column(default=0)
    step: Mapped[str | None]
    child_pid: Mapped[int | None]
    child_started: Mapped[int | None]  # clock ticks since boot: a pid alone may be someone else by now
    cancel_by: Mapped[str | None]

    # How it ended
    ended_at: Mapped[datetime | None]
    result_code: Mapped[str | None]
    result_message: Mapped[str | None]
    result_hint: Mapped[str | None]
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {"version": 7, "tail": [...]}

    @property
    def log(self) -> str:
        """Its log, below `logs/`."""
        return f"jobs/{self.id}.log"


class JobStep(Base):
    """The timeline of a job: phases with their times; a resumed job begins them anew."""

    __tablename__ = "job_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]  # receive detect build release start health switch retire
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    state: Mapped[str]  # running, done, failed
    log_offset: Mapped[int] = mapped_column(default=0)  # where its lines begin


def claimable(session: Session, heavy_allowed: bool) -> list[int]:
    """Ids of queued jobs whose app runs no job, best first; the oldest of each app only, so that order is kept."""
    busy = select(func.coalesce(Job.app_id, "")).where(Job.state == RUNNING)
    query = (
        select(Job.id, func.coalesce(Job.app_id, "").label("lock"), Job.is_heavy)
        .where(Job.state == QUEUED, func.coalesce(Job.app_id, "").not_in(busy))
        .order_by(Job.priority.desc(), Job.id)
    )
    first: dict[str, tuple[int, bool]] = {}
    for job_id, lock, is_heavy in session.execute(query):
        first.setdefault(lock, (job_id, is_heavy))
    return [job_id for job_id, is_heavy in first.values() if heavy_allowed or not is_heavy]


def claim(session: Session, job_id: int, worker: str, now: datetime, lease: float) -> Job | None:
    """Make a queued job ours; None when somebody was quicker or its app is busy. In a transaction of its own."""
    try:
        done = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state == QUEUED)
            .values(
                state=RUNNING,
                worker=worker,
                claimed_at=now,
                lease_until=now + timedelta(seconds=lease),
                fence=Job.fence + 1,
                attempt=Job.attempt + 1,
            )
        )
    except IntegrityError:
        session.rollback()
        return None
    return session.get(Job, job_id, populate_existing=True) if getattr(done, "rowcount", 0) == 1 else None


def renew(session: Session, job_id: int, fence: int, now: datetime, lease: float) -> bool:
    """Keep the lease; False when the job is no longer ours."""
    done = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == RUNNING, Job.fence == fence)
        .values(lease_until=now + timedelta(seconds=lease))
    )
    return getattr(done, "rowcount", 0) == 1


def finish(session: Session, job_id: int, fence: int, state: str, now: datetime, **result: Any) -> bool:
    """End a running job of this fence; False when it is no longer ours. `result`: result_code, result_message ..."""
    done = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == RUNNING, Job.fence == fence)
        .values(state=state, ended_at=now, lease_until=None, child_pid=None, child_started=None, **result)
    )
    return getattr(done, "rowcount", 0) == 1


def give_back(session: Session, job_id: int, fence: int) -> bool:
    """Queue a dead worker's job again; False when somebody did already."""
    done = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == RUNNING, Job.fence == fence)
        .values(state=QUEUED, worker=None, lease_until=None, fence=Job.fence + 1)
    )
    return getattr(done, "rowcount", 0) == 1


def refuse(session: Session, job_id: int, now: datetime) -> None:
    """End a queued job whose row cannot even be read: no worker can run it, and nobody may stumble over it again."""
    readable = {"payload": {}, "result": {}, "created_at": now, "claimed_at": None, "lease_until": None}
    said = {"result_code": "bad-job", "result_message": "This job's row is broken"}
    session.execute(
        update(Job).where(Job.id == job_id, Job.state == QUEUED).values(state=FAILED, ended_at=now, **said, **readable)
    )


def supersede_queued(session: Session, app_id: str, kind: str, now: datetime, by: int) -> Sequence[int]:
    """End the queued jobs of this app and kind that are older than job `by`; their ids.

    Not those that a dead worker had begun: they may be past the point of no return.
    """
    ended = session.scalars(
        update(Job)
        .where(Job.app_id == app_id, Job.kind == kind, Job.state == QUEUED, Job.attempt == 0, Job.id < by)
        .values(state=SUPERSEDED, ended_at=now, result_code="superseded", result_message="A newer push took its place")
        .returning(Job.id)
    )
    return sorted(ended)


def ahead_of(session: Session, job: Job) -> int:
    """How many jobs of the same app are running or queued before this one."""
    query = select(func.count()).where(Job.app_id == job.app_id, Job.id < job.id, Job.state.in_((QUEUED, RUNNING)))
    return int(session.scalar(query) or 0)
