"""Who works on an app at this moment? The job table keeps jobs apart; this keeps repairs and jobs apart.

Only this process touches containers, so a lock in its memory is enough and dies with it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class AppLocks:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: set[str] = set()

    @contextmanager
    def hold(self, app_id: str) -> Iterator[None]:
        """Wait until nobody works on the app. For jobs; repairs are short."""
        with self._changed:
            self._changed.wait_for(lambda: app_id not in self._held)
            self._held.add(app_id)
        try:
            yield
        finally:
            self._release(app_id)

    @contextmanager
    def try_hold(self, app_id: str) -> Iterator[bool]:
        """False when somebody works on the app: then leave it to them."""
        with self._changed:
            is_mine = app_id not in self._held
            if is_mine:
                self._held.add(app_id)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._release(app_id)

    def _release(self, app_id: str) -> None:
        with self._changed:
            self._held.discard(app_id)
            self._changed.notify_all()
