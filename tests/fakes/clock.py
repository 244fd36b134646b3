"""A clock that moves only when it is told to; `sleep` returns at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = Lock()
        self.when_slept: Callable[[float], None] = lambda seconds: None

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        self.when_slept(seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._elapsed += seconds
