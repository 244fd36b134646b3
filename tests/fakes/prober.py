"""Probes the containers of a FakeRuntime: what answers there is the container's behaviour."""

from __future__ import annotations

from paas.ports import HttpAnswer
from tests.fakes.runtime import FakeRuntime


class FakeProber:
    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime
        self.asked: list[tuple[str, int, str, str]] = []

    def accepts(self, address: str, port: int, timeout: float = 1.0) -> bool:
        behaviour = self._runtime.behaviour_at(address)
        return behaviour is not None and behaviour.listens

    def get(self, address: str, port: int, path: str, host: str, timeout: float) -> HttpAnswer:
        self.asked.append((address, port, path, host))
        behaviour = self._runtime.behaviour_at(address)
        if behaviour is None or not behaviour.listens:
            raise ConnectionError(f"{address}:{port} refused the connection")
        return behaviour.answer
