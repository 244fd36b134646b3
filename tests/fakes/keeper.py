"""Remembers which containers were begun and finished."""

from __future__ import annotations

from paas.ports import Container


class FakeLogKeeper:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.finished: list[str] = []

    def begin(self, container: Container) -> None:
        self.begun.append(container.name)

    def begin_all(self) -> None: ...

    def close(self) -> None: ...

    def finish(self, name: str, timeout: float = 60.0) -> None:
        self.finished.append(name)
