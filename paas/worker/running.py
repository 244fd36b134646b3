"""What does the worker know of a job while it runs? `flows.work.Work`: timeline, wish to cancel, child, result."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from paas.context import WorkerPlatform
from paas.errors import CancelledJobError
from paas.model import Job, JobStep, delete, update
from paas.model.job import RUNNING
from paas.rules.jobs import Order
from paas.worker import host

SHIELDED = "shielded"  # in job.result while it runs: the point of no return was passed, also for a successor


class RunningJob:
    """One claimed job. Its fence guards every write: a worker that lost the job writes nothing any more."""

    def __init__(self, on: WorkerPlatform, job: Job, order: Order) -> None:
        self.job = job
        self.order = order
        self.result: dict[str, Any] = {}
        self._on = on
        self._lock = threading.Lock()
        self._cancelled_by = job.cancel_by
        self._is_shielded = bool(job.result.get(SHIELDED))
        self._is_lost = False
        self._child: tuple[int, int] | None = None

    # --- for its flow -------------------------------------------------------------------------------------------------
    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.check()
        step_id = self._begin_step(name)
        try:
            yield
        except BaseException:
            self._end_step(step_id, "failed")
            raise
        self._end_step(step_id, "done")

    def is_cancelled(self) -> bool:
        return self._is_lost or (self._cancelled_by is not None and not self._is_shielded)

    def check(self) -> None:
        if self._is_lost:
            raise CancelledJobError("Another worker has taken this job over", code="job-lost")
        if self.is_cancelled():
            raise CancelledJobError(f"Cancelled by {self._cancelled_by}")

    def shield(self) -> None:
        with self._lock:
            self.check()
            if self._is_shielded:
                return
            self._write(result={**self.job.result, SHIELDED: True})
            self._is_shielded = True

    def started(self, pid: int) -> None:
        ticks = host.start_ticks(pid)
        if ticks is not None:
            self._child = pid, ticks
            self._write(child_pid=pid, child_started=ticks)
        if self.is_cancelled():
            self.kill_child()

    def keep(self, **facts: object) -> None:
        self.result.update(facts)

    # --- for the loop -------------------------------------------------------------------------------------------------
    def wish_to_cancel(self, by: str) -> None:
        """Tell the flow, and end the child it may be waiting for."""
        with self._lock:
            if self._cancelled_by is None:
                self._cancelled_by = by
        if self.is_cancelled():
            self.kill_child()

    def lose(self) -> None:
        """The lease went to another worker: stop as soon as possible."""
        self._is_lost = True
        self.kill_child()

    def kill_child(self) -> None:
        if self._child:
            host.kill_group(*self._child)

    def forget_steps(self) -> None:
        """A job that is run again begins its timeline anew."""
        with self._on.database.write() as session:
            session.execute(delete(JobStep).where(JobStep.job_id == self.job.id))

    def _begin_step(self, name: str) -> int:
        offset = self._on.logs.size(self.job.log)
        with self._on.database.write() as session:
            row = JobStep(
                job_id=self.job.id, name=name, started_at=self._on.clock.now(), state="running", log_offset=offset
            )
            session.add(row)
            session.execute(
                update(Job)
                .where(Job.id == self.job.id, Job.state == RUNNING, Job.fence == self.job.fence)
                .values(step=name)
            )
            session.flush()
            return row.id

    def _end_step(self, step_id: int, state: str) -> None:
        with self._on.database.write() as session:
            session.execute(
                update(JobStep).where(JobStep.id == step_id).values(state=state, ended_at=self._on.clock.now())
            )

    def _write(self, **values: object) -> None:
        with self._on.database.write() as session:
            session.execute(
                update(Job)
                .where(Job.id == self.job.id, Job.state == RUNNING, Job.fence == self.job.fence)
                .values(**values)
            )
