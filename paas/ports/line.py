"""How does a door reach the worker?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol


class WorkerLine(Protocol):
    """The worker's unix socket, seen from a door."""

    def ring(self) -> None:
        """Wake the worker: a job was queued. Never raises: the worker's own poll is the net."""

    def ask(self, question: str, timeout: float = 10.0, **words: str) -> dict[str, object]:
        """Ask about state: `state`, `doctor`, `containers` ... Raises UnavailableError when nobody answers."""

    def open_console(self, ticket: str) -> ConsoleLine:
        """Spend a one-time ticket and be bridged to a container. Raises UnavailableError."""


class ConsoleLine(Protocol):
    """An interactive session, framed. One reader and one writer may use it at once."""

    def send(self, data: bytes) -> None:
        """To the process's stdin."""

    def send_eof(self) -> None: ...

    def resize(self, columns: int, rows: int) -> None: ...

    def frames(self) -> Iterator[tuple[Literal["stdout", "stderr"], bytes]]:
        """What the process prints, until it ends."""

    def exit_code(self) -> int:
        """After `frames` ended."""

    def close(self) -> None: ...
