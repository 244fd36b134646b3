"""Which of our containers just died? Docker's event stream, resumed where it broke off."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread

import requests
from docker.errors import DockerException
from requests.exceptions import RequestException

from paas.adapters.docker_engine import Engine
from paas.adapters.docker_logs import hang_up

GLANCE = 0.25  # `is_over` is asked this often in silence (s)
RECONNECT_PAUSE = 1.0  # (s)


class DockerEvents:
    """The part of ports.Runtime that hears of deaths."""

    _engine: Engine

    def deaths(self, is_over: Callable[[], bool]) -> Iterator[str]:
        listener = _Listener(self._engine)
        Thread(target=listener.listen, name="docker-events", daemon=True).start()
        try:
            while not is_over():
                with contextlib.suppress(Empty):
                    yield listener.heard.get(timeout=GLANCE)
        finally:
            listener.hang_up()


class _Listener:
    """One thread that reads events, reconnects, and remembers the last moment that it heard of."""

    def __init__(self, engine: Engine) -> None:
        self.heard: SimpleQueue[str] = SimpleQueue()
        self._engine = engine
        self._over = Event()
        self._answer: requests.Response | None = None
        self._last = 0  # nanoseconds

    def hang_up(self) -> None:
        self._over.set()
        if self._answer is not None:
            hang_up(self._answer)

    def listen(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(DockerException, RequestException, OSError, ValueError, AttributeError):
                self._read()
            self._over.wait(RECONNECT_PAUSE)

    def _read(self) -> None:
        filters = {**self._engine.ours(), "type": ["container"], "event": ["die"]}
        params: dict[str, str | int] = {"filters": json.dumps(filters)}
        if self._last:
            params["since"] = f"{self._last // 10**9}.{self._last % 10**9:09d}"
        self._answer = self._engine.open_stream("GET", "/events", params=params)
        if self._over.is_set():
            hang_up(self._answer)
        for line in self._answer.iter_lines(chunk_size=None):
            event = json.loads(line)
            if event["timeNano"] > self._last:
                self._last = event["timeNano"]
                self.heard.put(event["Actor"]["Attributes"]["name"])
