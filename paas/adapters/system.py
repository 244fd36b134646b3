"""What time is it, and must this process die here? The machine's clock, and the fail-points of the tests."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path


class SystemClock:
    """The port `Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FileFaults:
    """The port `Faults`: a file names the point at which this process is to be killed, once."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def reach(self, point: str) -> None:
        if self._path is None:
            return
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return
        if lines and lines[0].strip() == point:
            self._path.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
