"""Who works on an app at this moment? The job table keeps jobs apart; this keeps the reconciler's deeds out of them.

Only this process touches containers, so a lock in its memory is enough and dies with it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class AppLocks:
    """A job has its app to itself; repairs, which are short, may be several at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: set[str] = set()  # run, or wait for repairs to end
        self._repairs: Counter[str] = Counter()

    @contextmanager
    def hold(self, app_id: str) -> Iterator[None]:
        """For the job of an app: wait until the repairs that are at it have ended."""
        with self._changed:
            self._jobs.add(app_id)
            self._changed.wait_for(lambda: not self._repairs[app_id])
        try:
            yield
        finally:
            with self._changed:
                self._jobs.discard(app_id)

    @contextmanager
    def share(self, app_id: str) -> Iterator[bool]:
        """For a repair: False when a job has the app. Then leave it to the job."""
        with self._changed:
            is_free = app_id not in self._jobs
            self._repairs[app_id] += is_free
        try:
            yield is_free
        finally:
            with self._changed:
                self._repairs[app_id] -= is_free
                if not self._repairs[app_id]:
                    del self._repairs[app_id]
                self._changed.notify_all()
