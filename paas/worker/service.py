"""What is the worker made of, and how does it begin and end? Socket, job loop, timetable, death watch, log keeper."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import NoReturn

import structlog

from paas.context import WorkerPlatform
from paas.flows.dispatch import FLOWS
from paas.flows.expire import expire
from paas.flows.oneoff import open_terminal
from paas.flows.prune import queue_prune
from paas.flows.reconcile import reconcile, reconcile_app
from paas.flows.retire import retire
from paas.model import Job
from paas.worker.clock import Entry, Timetable
from paas.worker.console import Consoles
from paas.worker.deaths import DeathWatch
from paas.worker.line import Handler, WorkerSocket
from paas.worker.locks import AppLocks
from paas.worker.loop import JobLoop
from paas.worker.questions import handlers
from paas.worker.threads import start_thread

GRACE = 3.0  # for jobs that are about to end when the worker is stopped (s)
DRAIN_LOOK = 0.5  # between looks at copies that still have connections (s)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

log = structlog.get_logger(__name__)


def serve(on: WorkerPlatform, questions: Mapping[str, Handler] | None = None) -> NoReturn:
    """Be the worker until SIGTERM or SIGINT, then end the process. The next worker resumes what ran.

    `questions`: handlers of the worker's socket beside its own (`doctor`).
    """
    told = _signal_pipe(signal.SIGTERM, signal.SIGINT)
    worker = Worker(on, questions or {})
    worker.start()
    os.read(told, 1)
    worker.stop()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # Python would wait for the thread pools of flows that are in the middle of something


def _signal_pipe(*numbers: signal.Signals) -> int:
    """A descriptor that a read returns from once one of these signals came.

    Python's own handlers run between instructions of the main thread: a signal that comes right before it blocks in a
    read would be noticed after that read, which is never. The wake-up descriptor is written as the signal comes.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(tell)
    return told


class Worker:
    def __init__(self, on: WorkerPlatform, questions: Mapping[str, Handler]) -> None:
        self._on = on
        self._is_boot = True
        self._locks = AppLocks()
        self._loop = JobLoop(on, FLOWS, self._locks, self._job_ended)
        self._deaths = DeathWatch(
            on.runtime,
            on.clock,
            lambda app_id: reconcile_app(on, app_id, self._locks.share),
            lambda: self._timetable.kick("retire"),
        )
        answers = {**handlers(on, self._loop, on.clock.now()), **questions}
        self._consoles = Consoles(on, open_terminal)
        self._socket = WorkerSocket(on.settings, self._loop.ring, answers, self._consoles.bridge)
        interval = on.settings.reconcile_interval
        self._timetable = Timetable(
            [
                Entry("reconcile", interval, self._reconcile),
                Entry("retire", interval, self._retire),
                Entry("expire", HOUR, lambda: expire(on), delay=MINUTE),
                Entry("rotate", 10 * MINUTE, self._rotate, delay=MINUTE),
                Entry("prune", DAY, lambda: queue_prune(on), delay=10 * MINUTE),
            ]
        )

    def start(self) -> None:
        """Listen first: a door that rings now is heard. Then take over what the last worker left."""
        self._socket.start()
        start_thread(self._loop.run, "job loop")
        self._timetable.start()
        self._deaths.start()
        log.info("worker-started")

    def stop(self) -> None:
        """Within seconds, whatever runs."""
        self._timetable.stop()
        self._deaths.stop()
        is_idle = self._loop.stop(GRACE)
        self._socket.stop()
        self._on.log_keeper.close()
        log.info("worker-stopped", left=[job.id for job in self._loop.running()], is_idle=is_idle)

    def _job_ended(self, job: Job) -> None:
        self._timetable.kick("retire")

    def _reconcile(self) -> float | None:
        """Seconds until a crashed process is due to be started again, if one is."""
        self._on.log_keeper.begin_all()
        is_boot = self._is_boot and not self._consoles.have_been_opened
        due = reconcile(self._on, self._locks.share, is_boot=is_boot)
        self._is_boot = False
        return self._until(due)

    def _retire(self) -> float | None:
        return DRAIN_LOOK if retire(self._on) else None

    def _rotate(self) -> None:
        self._on.proxy.rotate_logs()

    def _until(self, due: datetime | None) -> float | None:
        return None if due is None else max(0.0, (due - self._on.clock.now()).total_seconds())
