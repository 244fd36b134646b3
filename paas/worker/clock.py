"""What happens when nobody asks? Entries that run at the worker's start and then at their interval, or when kicked.

Each entry has a thread of its own and never overlaps itself; one that fails is logged and tried again at its next time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from paas.errors import PaasError
from paas.worker.threads import start_thread

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Entry:
    """`action` may return in how many seconds it wants to run again, if that is before its `interval` (s) is over.

    `delay`: how long after the worker's start the first time is (0: at once).
    """

    name: str
    interval: float
    action: Callable[[], float | None]
    delay: float = 0.0


class Timetable:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._kicks = {entry.name: threading.Event() for entry in entries}
        self._is_over = False

    def start(self) -> None:
        for entry in self._entries.values():
            start_thread(partial(self._keep, entry), f"timetable {entry.name}")

    def kick(self, name: str) -> None:
        """Run an entry now, or once more when it is just running."""
        self._kicks[name].set()

    def stop(self) -> None:
        self._is_over = True
        for kick in self._kicks.values():
            kick.set()

    def _keep(self, entry: Entry) -> None:
        kick = self._kicks[entry.name]
        if entry.delay:
            kick.wait(entry.delay)
        while not self._is_over:
            kick.clear()
            soon = _run(entry)
            kick.wait(entry.interval if soon is None else min(soon, entry.interval))


def _run(entry: Entry) -> float | None:
    try:
        return entry.action()
    except PaasError as error:  # Docker or nginx is down: it will pass
        log.warning("timetable", entry=entry.name, error=str(error))
    except Exception:
        log.exception("timetable", entry=entry.name)
    return None
