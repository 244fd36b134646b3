"""Where do lines go, and how are they read again? Log files, and what brings the output of containers into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from paas.ports.containers import Container


class LogWriter(Protocol):
    def write(self, text: str) -> None:
        """Append whole lines (a newline is added when missing) and make followers look."""

    def close(self) -> None:
        """Close and make followers look once more."""


class Logs(Protocol):
    """Log files below `logs/`: `jobs/<id>.log`, `<app id>/<type>.<copy>.log`. `name` is the path below `logs/`."""

    def writer(self, name: str) -> LogWriter: ...

    def size(self, name: str) -> int:
        """Bytes ever written, so rotation moves no offset; 0 when there is none yet."""

    def start(self, name: str) -> int:
        """Offset of the oldest byte kept; 0 until rotation dropped something."""

    def read(self, name: str, offset: int, limit: int = 65536) -> bytes:
        """Whole lines from `offset` (or from `start` when that is later), b"" at the end or when there is none yet."""

    def tail(self, name: str, lines: int) -> list[str]:
        """The last lines, rotated files included, oldest first."""

    def follow(
        self, name: str, offset: int, is_over: Callable[[], bool], timeout: float = 1.0
    ) -> Iterator[tuple[int, bytes]]:
        """Yield (offset after the chunk, chunk) as the file grows, at once (inotify, no polling).

        An empty chunk is yielded after `timeout` seconds of silence, so that the caller can look after its client.
        Ends after `is_over()` says yes and the rest has been read. Follows through rotation.
        """

    def files(self, folder: str) -> list[str]:
        """Names (below `logs/`) of the current logs in a folder, sorted."""

    def remove(self, folder: str) -> None:
        """Remove a folder of logs with all that is in it, or one log."""


class LogKeeper(Protocol):
    """Brings what containers print into their log files, each line once."""

    def begin(self, container: Container) -> None:
        """Follow a started container; nothing when it is followed already. May run twice."""

    def begin_all(self) -> None:
        """Follow every copy that is not followed yet: at the worker's start, and as the net below `begin`."""

    def finish(self, name: str, timeout: float = 60.0) -> None:
        """Return once all that a dead container printed is in its log: call it before removing the container.

        After `timeout` seconds of failing reads it gives up, with a line in the log that says so.
        """

    def close(self) -> None:
        """Follow no more; what is not written by then is read again by the next worker."""
