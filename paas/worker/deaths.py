"""What is done at once when a container dies? A pass over its app, and another one when its back-off is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from queue import SimpleQueue

import structlog

from paas.errors import PaasError
from paas.ports import Clock, Runtime
from paas.rules import names
from paas.worker.threads import start_thread

RETRY = 1.0

log = structlog.get_logger(__name__)


class DeathWatch:
    """`look_after` reconciles one app and says when it wants to be called again; `when_other` hears of one-offs."""

    def __init__(
        self,
        runtime: Runtime,
        clock: Clock,
        look_after: Callable[[str], datetime | None],
        when_other: Callable[[], None] = lambda: None,
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._look_after = look_after
        self._when_other = when_other
        self._apps: SimpleQueue[str] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: set[str] = set()  # in the queue already
        self._is_over = False

    def start(self) -> None:
        start_thread(self._listen, "deaths")
        start_thread(self._work, "deaths repair")

    def stop(self) -> None:
        self._is_over = True
        self._apps.put("")

    def expect(self, app_id: str, due: datetime | None) -> None:
        """Look after an app at that moment."""
        if due is not None:
            delay = max(0.0, (due - self._clock.now()).total_seconds())
            timer = threading.Timer(delay, self._queue, (app_id,))
            timer.daemon = True
            timer.start()

    def _listen(self) -> None:
        while not self._is_over:
            try:
                for name in self._runtime.deaths(lambda: self._is_over):
                    self._hear(name)
            except PaasError as error:  # Docker is down: every app is looked after when it is back
                log.warning("deaths", error=str(error))
            except Exception:
                log.exception("deaths")
            self._clock.sleep(RETRY)

    def _hear(self, name: str) -> None:
        parts = names.parse_container_name(name)
        if parts is None:
            self._when_other()
        else:
            self._queue(parts.app_id)

    def _queue(self, app_id: str) -> None:
        with self._lock:
            if app_id in self._waiting:
                return
            self._waiting.add(app_id)
        self._apps.put(app_id)

    def _work(self) -> None:
        while app_id := self._apps.get():
            with self._lock:
                self._waiting.discard(app_id)  # a death from now on is another one
            try:
                self.expect(app_id, self._look_after(app_id))
            except PaasError as error:  # the next pass over everything finds it again
                log.warning("death-repair", app=app_id, error=str(error))
            except Exception:
                log.exception("death-repair", app=app_id)
