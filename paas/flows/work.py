"""What is a flow handed of its job? The row, the typed order, and the ways to tell the worker how far it is.

The worker (worker/loop.py) owns claiming, lease, fence and ending; a flow owns what happens. A flow may be run again
from the top by the next worker: `attempt` is then above 1.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from paas.context import WorkerPlatform
from paas.model import Job
from paas.ports import Say
from paas.rules.jobs import Order


class Work(Protocol):
    """One running job, as its flow sees it."""

    @property
    def job(self) -> Job:
        """The row as it was claimed: id, app_id, created_by, attempt ... Read it, never write it."""

    @property
    def order(self) -> Order:
        """The payload, validated again."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """A phase in the job's timeline. Entering honours a wish to cancel and raises CancelledJobError."""

    def is_cancelled(self) -> bool:
        """Has somebody asked to cancel? Never true after `shield`. For waits and for `IsCancelled` arguments; cheap."""

    def check(self) -> None:
        """Raise CancelledJobError when somebody asked to cancel, or when this job is no longer ours."""

    def shield(self) -> None:
        """The point of no return: from here on a wish to cancel comes too late. Raises CancelledJobError before."""

    def started(self, pid: int) -> None:
        """A child process runs (it leads a group of its own): whoever resumes or cancels this job kills the group."""

    def keep(self, **facts: object) -> None:
        """Add to the job's result: version, tail ... JSON values; stored when the job ends."""


Flow = Callable[[WorkerPlatform, Work, Say], None]
