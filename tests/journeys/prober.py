"""A visitor who never stops: does every request get its answer while something changes?"""

from __future__ import annotations

import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from types import TracebackType


class Prober:
    """Threads that GET `/` through nginx, each request on a new connection, and one on keep-alive with one retry.

    `answers` counts bodies; `failures` lists everything but a 200.
    """

    def __init__(self, port: int, host: str, threads: int = 2, pause: float = 0.005) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._port, self._host, self._pause = port, host, pause
        self._over = threading.Event()
        workers = [threading.Thread(target=self._on_new_connections, daemon=True) for _ in range(threads)]
        self._threads = [*workers, threading.Thread(target=self._on_keep_alive, daemon=True)]

    def __enter__(self) -> Prober:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def count(self) -> int:
        return sum(self.answers.values())

    def _on_new_connections(self) -> None:
        while not self._over.wait(self._pause):
            connection = self._connection()
            try:
                self._ask(connection)
            except (OSError, HTTPException) as error:
                self.failures.append(f"{time.time():.3f} new connection: {error!r}")
            finally:
                connection.close()

    def _on_keep_alive(self) -> None:
        connection = self._connection()
        while not self._over.wait(self._pause):
            try:
                self._ask(connection)
            except (OSError, HTTPException):
                connection.close()
                connection = self._connection()
                try:
                    self._ask(connection)
                except (OSError, HTTPException) as error:
                    self.failures.append(f"{time.time():.3f} keep-alive, retried: {error!r}")
        connection.close()

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=30)

    def _ask(self, connection: HTTPConnection) -> None:
        connection.request("GET", "/", headers={"Host": self._host})
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        if answer.status == 200:
            self.answers[body] += 1
        else:
            self.failures.append(f"{time.time():.3f} status {answer.status}: {body[:80]}")
