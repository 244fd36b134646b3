"""The fake's interactive sessions: prints a behaviour's output, and echoes as `cat` does when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Literal

from tests.fakes.behaviour import Behaviour

Frame = tuple[Literal["stdout", "stderr"], bytes]


class FakeTerminal:
    def __init__(self, behaviour: Behaviour, when_over: Callable[[int], None], when_closed: Callable[[], None]) -> None:
        self._behaviour = behaviour
        self._when_over = when_over
        self._when_closed = when_closed
        self._frames: SimpleQueue[Frame | None] = SimpleQueue()
        self._exit_code: int | None = None
        self.sizes: list[tuple[int, int]] = []
        for line in behaviour.output:
            self._frames.put(("stdout", f"{line}\n".encode()))
        for line in behaviour.errors:
            self._frames.put(("stderr", f"{line}\n".encode()))
        if not behaviour.echoes:
            self._end(behaviour.exit_code or 0)

    def send(self, data: bytes) -> None:
        if self._behaviour.echoes and self._exit_code is None:
            self._frames.put(("stdout", data))

    def send_eof(self) -> None:
        self._end(self._behaviour.exit_code or 0)

    def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))

    def frames(self) -> Iterator[Frame]:
        while (frame := self._frames.get()) is not None:
            yield frame

    def exit_code(self) -> int:
        assert self._exit_code is not None, "asked before the frames ended"
        return self._exit_code

    def close(self) -> None:
        self._end(137)
        self._when_closed()

    def _end(self, code: int) -> None:
        if self._exit_code is None:
            self._exit_code = code
            self._when_over(code)
            self._frames.put(None)
