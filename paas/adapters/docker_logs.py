"""What did a container print, after exactly which line?

Docker takes `since` in seconds here, so we ask from the cursor's whole second and skip what lies before it. Engine
20.10's follow loses and repeats lines when the log file rotates, and may lose the last ones of a container that ends
(both seen). So a chunk that comes after a rotation is thrown away, and what follows the last good line is read once
more without follow; so is the end.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from paas.adapters.docker_engine import Engine
from paas.adapters.docker_frames import STREAMS, StreamName, demultiplex, join_pieces, split_terminal
from paas.ports import LogLine

CROSS_STREAM_SLACK = 60  # a stream that has no cursor begins this long before the other's (s)
REOPEN_PAUSE = 0.05  # between two follows of a container that goes on (s)

Cursor = tuple[str, int]  # timestamp and ordinal
LOST = (RequestException, DockerException, OSError, ValueError, AttributeError)  # what a connection that broke raises


class DockerLogs:
    """The part of ports.Runtime that reads what containers print."""

    _engine: Engine

    def log_lines(
        self, name: str, since: str | Mapping[str, str] = "", *, follow: bool = False, tail: int | None = None
    ) -> DockerLogStream:
        cursors = {stream: since if isinstance(since, str) else since.get(stream, "") for stream in STREAMS.values()}
        with self._engine.talking():
            facts = _inspect(self._engine, name)
        return DockerLogStream(self._engine, facts, cursors, follow=follow, tail=tail)


@dataclass(frozen=True)
class _Facts:
    id: str
    is_tty: bool
    is_running: bool
    file: Path


class DockerLogStream:
    """Lines until the container ends (without follow: until now); `close` works from any thread.

    When the engine is lost it ends as well: who asks again from the last cursor is told.
    """

    def __init__(
        self, engine: Engine, facts: _Facts | None, cursors: Mapping[StreamName, str], *, follow: bool, tail: int | None
    ) -> None:
        self._engine = engine
        self._tail = tail
        self._cursors = {stream: _parse(cursor) for stream, cursor in cursors.items()}
        self._answer: requests.Response | None = None
        self._is_closed = False
        self._is_rotated = False
        self._lines = self._story(facts, follow)

    def __iter__(self) -> DockerLogStream:
        return self

    def __next__(self) -> LogLine:
        return next(self._lines)

    def close(self) -> None:
        self._is_closed = True
        if self._answer is not None:
            hang_up(self._answer)

    def _story(self, facts: _Facts | None, follow: bool) -> Iterator[LogLine]:
        with contextlib.suppress(*LOST):
            while follow and facts is not None and facts.is_running and not self._is_closed:
                yield from self._read(facts, follow=True)
                if not self._is_rotated:
                    time.sleep(REOPEN_PAUSE)
                facts = _inspect(self._engine, facts.id)
                if facts is not None and facts.is_running:
                    yield from self._read(facts, follow=False)
            if facts is not None and not self._is_closed:
                yield from self._read(facts, follow=False)

    def _read(self, facts: _Facts, *, follow: bool) -> Iterator[LogLine]:
        """One request, from the cursors on."""
        self._is_rotated = False
        file = _identity(facts.file) if follow else None
        answer = self._engine.open_stream("GET", f"/containers/{facts.id}/logs", params=self._params(follow))
        self._answer = answer
        with answer:  # also when the reader goes away in the middle
            if self._is_closed:
                return
            self._tail = None
            chunks = self._chunks(answer, facts.file, file) if follow else answer.iter_content(chunk_size=None)
            frames = split_terminal(chunks) if facts.is_tty else demultiplex(chunks)
            for line in join_pieces(frames, has_ended=not facts.is_running):
                here = (line.timestamp, line.ordinal)
                if here > self._cursors[line.stream]:
                    self._cursors[line.stream] = here
                    yield line

    def _chunks(self, answer: requests.Response, path: Path, file: int | None) -> Iterator[bytes]:
        """What came while the log file was still the same: all of it is without a gap."""
        for chunk in answer.iter_content(chunk_size=None):
            if file is not None and _identity(path) != file:
                self._is_rotated = True
                return
            yield chunk

    def _params(self, follow: bool) -> dict[str, str | int]:
        params: dict[str, str | int] = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(follow)}
        known = [datetime.fromisoformat(stamp).timestamp() for stamp, _ in self._cursors.values() if stamp]
        if len(known) == len(self._cursors):
            params["since"] = int(min(known))
        elif known:
            params["since"] = int(min(known)) - CROSS_STREAM_SLACK
        if self._tail is not None:
            params["tail"] = self._tail
        return params


def hang_up(answer: requests.Response) -> None:
    """End a stream although another thread is reading from it: closing alone would not wake that one."""
    connection: Any = answer.raw.connection
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _inspect(engine: Engine, name: str) -> _Facts | None:
    try:
        told = engine.client.inspect_container(name)
    except NotFound:
        return None
    if not engine.is_ours(told["Config"]["Labels"]):
        return None
    return _Facts(told["Id"], bool(told["Config"]["Tty"]), bool(told["State"]["Running"]), Path(told["LogPath"] or "/"))


def _identity(file: Path) -> int | None:
    """The inode: another one after a rotation. None when it cannot be seen."""
    try:
        return file.stat().st_ino
    except OSError:
        return None


def _parse(cursor: str) -> Cursor:
    stamp, _, ordinal = cursor.partition("#")
    return stamp, int(ordinal or 0)
