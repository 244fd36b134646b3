"""Which job is next, who runs it, and how did it end? Claims queued jobs, runs their flows in threads, ends them.

A claim takes a lease; `look_after` keeps it. Whatever kills this process, the next worker finds its jobs running under
a dead process, kills their recorded children, and queues them again: their flows start from the top.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, nullcontext
from typing import Any

import structlog

from paas.context import WorkerPlatform
from paas.errors import CancelledJobError, PaasError, SupersededError, UnavailableError
from paas.flows.work import Flow
from paas.model import Job, Session, func, select
from paas.model.job import (
    CANCELLED,
    FAILED,
    RUNNING,
    SUCCEEDED,
    SUPERSEDED,
    claim,
    claimable,
    finish,
    give_back,
    refuse,
    renew,
)  # fmt: skip
from paas.rules.jobs import read_order
from paas.worker import host
from paas.worker.locks import AppLocks
from paas.worker.running import RunningJob
from paas.worker.threads import start_thread

POLL = 5.0
LIGHT_AT_ONCE = 16  # restarts, routes ...: more at once would only wait for Docker
MOST_ATTEMPTS = 10  # a job under which the worker died so often must not kill it for ever
UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError)  # a payload that is no JSON, a moment that is none

log = structlog.get_logger(__name__)


class JobLoop:
    """`when_ended` is called after each job, in its thread."""

    def __init__(
        self,
        on: WorkerPlatform,
        flows: Mapping[str, Flow],
        locks: AppLocks,
        when_ended: Callable[[Job], None] = lambda job: None,
    ) -> None:
        self._on = on
        self._flows = flows
        self._locks = locks
        self._when_ended = when_ended
        self._me = host.identity()
        self._builds_at_once = on.settings.builds_at_once or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._running: dict[int, RunningJob] = {}
        self._woken = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._is_stopping = False

    def ring(self) -> None:
        """A job was queued, or somebody wishes to cancel one: look at once."""
        self._woken.set()

    def run(self) -> None:
        """Until `stop`. A poll is the net under lost wake-ups."""
        next_renewal = 0.0
        while not self._is_stopping:
            self._woken.clear()
            try:
                must_renew = self._on.clock.monotonic() >= next_renewal
                if must_renew:
                    next_renewal = self._on.clock.monotonic() + self._on.settings.lease / 3
                    self.recover()
                self.look_after(must_renew)
                self.start_jobs()
            except Exception:  # the database may be away for a while: the worker is not
                log.exception("job-loop")
            self._woken.wait(min(POLL, self._on.settings.lease / 3))

    def stop(self, timeout: float) -> bool:
        """Claim no more; True when all jobs ended within `timeout` seconds. The next worker resumes the others."""
        self._is_stopping = True
        self._woken.set()
        return self._idle.wait(timeout)

    def running(self) -> list[Job]:
        with self._lock:
            return [work.job for work in self._running.values()]

    # --- taking over --------------------------------------------------------------------------------------------------
    def recover(self) -> list[int]:
        """Queue again what dead or silent workers left running, after killing the recorded children; the jobs' ids."""
        with self._on.database.read() as session:
            jobs = session.scalars(select(Job).where(Job.state == RUNNING)).all()
        left = [job for job in jobs if self._is_abandoned(job)]
        for job in left:
            host.kill_group(job.child_pid, job.child_started)
            with self._on.database.write() as session:
                taken = give_back(session, job.id, job.fence)
            log.info("job-recovered", job=job.id, kind=job.kind, taken=taken, worker=job.worker)
        return [job.id for job in left]

    def _is_abandoned(self, job: Job) -> bool:
        with self._lock:
            if job.id in self._running:
                return False
        is_silent = job.lease_until is None or job.lease_until < self._on.clock.now()
        return is_silent or not host.is_alive(job.worker)

    # --- looking after ------------------------------------------------------------------------------------------------
    def look_after(self, must_renew: bool = True) -> None:
        """Keep the leases of running jobs and pass on wishes to cancel them."""
        with self._lock:
            works = list(self._running.values())
        if not works:
            return
        if must_renew:
            now = self._on.clock.now()
            for work in works:
                with self._on.database.write() as session:
                    is_ours = renew(session, work.job.id, work.job.fence, now, self._on.settings.lease)
                if not is_ours and self._is_running(work):
                    work.lose()
        with self._on.database.read() as session:
            ids = [work.job.id for work in works]
            wished = session.scalars(select(Job).where(Job.id.in_(ids), Job.cancel_by.is_not(None))).all()
        by = {job.id: job.cancel_by for job in wished}
        for work in works:
            if who := by.get(work.job.id):
                work.wish_to_cancel(who)

    def _is_running(self, work: RunningJob) -> bool:
        with self._lock:
            return self._running.get(work.job.id) is work

    # --- starting -----------------------------------------------------------------------------------------------------
    def start_jobs(self) -> int:
        """Claim and start all that may run now; how many."""
        started, refused = 0, set[int]()
        while not self._is_stopping:
            with self._on.database.read() as session:
                candidates = [one for one in self._candidates(session) if one not in refused]
            if not candidates:
                break
            if self._start(candidates[0]):
                started += 1
            else:
                refused.add(candidates[0])
        return started

    def _candidates(self, session: Session) -> list[int]:
        counted = session.execute(
            select(Job.is_heavy, func.count()).where(Job.state == RUNNING).group_by(Job.is_heavy)
        ).all()
        running = {bool(is_heavy): number for is_heavy, number in counted}
        if running.get(False, 0) >= LIGHT_AT_ONCE:
            return []
        return claimable(session, heavy_allowed=running.get(True, 0) < self._builds_at_once)

    def _start(self, job_id: int) -> bool:
        try:
            with self._on.database.write() as session:
                job = claim(session, job_id, self._me, self._on.clock.now(), self._on.settings.lease)
        except UNREADABLE:
            log.exception("job-unreadable", job=job_id)
            with self._on.database.write() as session:
                refuse(session, job_id, self._on.clock.now())
            return False
        if job is None:
            return False
        start_thread(lambda: self._run(job), f"job {job.id}")
        return True

    # --- running ------------------------------------------------------------------------------------------------------
    def _run(self, job: Job) -> None:
        log_file = ExitStack()
        try:
            state, outcome = self._perform(job, log_file)
            with self._on.database.write() as session:
                is_ours = finish(session, job.id, job.fence, state, self._on.clock.now(), **outcome)
            log.info("job-ended", job=job.id, kind=job.kind, app=job.app_name, state=state, is_ours=is_ours)
        except Exception:  # the row could not be written: it stays running, and is taken over when its lease ends
            log.exception("job-end", job=job.id)
        finally:
            self._leave(job)
            log_file.close()  # after the commit: followers of the log look now whether it is over
            self.ring()
        try:
            self._when_ended(job)
        except Exception:
            log.exception("job-after", job=job.id)

    def _perform(self, job: Job, log_file: ExitStack) -> tuple[str, dict[str, Any]]:
        """Run the flow: (state, columns of the result). A job whose log cannot be opened has failed."""
        work: RunningJob | None = None
        try:
            say = log_file.enter_context(closing(self._on.logs.writer(job.log))).write
            work = RunningJob(self._on, job, read_order(job.kind, job.payload))
            self._enter(work)
            if job.attempt > MOST_ATTEMPTS:
                raise UnavailableError(f"The worker died {MOST_ATTEMPTS} times under this job", code="worker-died")
            if job.attempt > 1:
                work.forget_steps()
                say(f"The worker was restarted; beginning again (attempt {job.attempt})")
            with self._locks.hold(job.app_id) if job.app_id else nullcontext():
                work.check()
                self._flows[job.kind](self._on, work, say)
            return SUCCEEDED, {"result": work.result}
        except Exception as error:
            return _failure(error, job, work)

    def _enter(self, work: RunningJob) -> None:
        with self._lock:
            self._running[work.job.id] = work
            self._idle.clear()

    def _leave(self, job: Job) -> None:
        with self._lock:
            self._running.pop(job.id, None)
            if not self._running:
                self._idle.set()


def _failure(error: Exception, job: Job, work: RunningJob | None) -> tuple[str, dict[str, Any]]:
    result: dict[str, Any] = dict(work.result) if work else {}
    if isinstance(error, CancelledJobError) or (work is not None and work.is_cancelled()):
        said: PaasError = error if isinstance(error, CancelledJobError) else CancelledJobError("Cancelled")
        state = CANCELLED
    elif isinstance(error, PaasError):
        said = error
        state = SUPERSEDED if isinstance(error, SupersededError) else FAILED
        result.setdefault("tail", list(getattr(error, "tail", ())))
    else:
        reference = secrets.token_hex(4)
        log.error("job-bug", job=job.id, kind=job.kind, app=job.app_name, reference=reference, exc_info=error)
        said = PaasError(
            f"Something went wrong in the platform itself (reference {reference})",
            "an administrator finds the reference in the worker's log",
            code="internal",
        )
        state = FAILED
    return state, {
        "result": result,
        "result_code": said.code,
        "result_message": said.message,
        "result_hint": said.hint,
    }
