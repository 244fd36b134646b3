"""The fake's log streams."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Condition
from typing import Protocol

from paas.ports import Container, LogLine


class Printed(Protocol):
    """A container as its log sees it."""

    shown: Container
    lines: list[LogLine]


class FakeLogStream:
    """Lines as they come, until the container is not running any more or someone closes it."""

    def __init__(
        self, box: Printed | None, changed: Condition, since: str | Mapping[str, str], follow: bool, tail: int | None
    ) -> None:
        self._box = box
        self._changed = changed
        self._follow = follow
        self._since = {"stdout": since, "stderr": since} if isinstance(since, str) else since
        self._at = max(0, len(box.lines) - tail) if box and tail is not None else 0
        self._is_closed = False

    def __iter__(self) -> FakeLogStream:
        return self

    def __next__(self) -> LogLine:
        while self._box is not None:
            with self._changed:
                self._changed.wait_for(self._has_news)
                if self._is_closed or self._at >= len(self._box.lines):
                    break
                line = self._box.lines[self._at]
                self._at += 1
            if line.timestamp > self._since.get(line.stream, ""):
                return line
        raise StopIteration

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _has_news(self) -> bool:
        assert self._box is not None
        is_running = self._follow and self._box.shown.state in ("running", "paused")
        return self._is_closed or not is_running or self._at < len(self._box.lines)
