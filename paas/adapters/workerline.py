"""How does a door reach the worker? Over the unix socket `run/worker.sock`, in the frames of rules/frames.py."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from paas.errors import PaasError, UnavailableError
from paas.rules import frames

CONNECT_TIMEOUT = 2.0
TICKET_TIMEOUT = 60.0  # a one-off container is created before the answer


class SocketWorkerLine:
    """The port `WorkerLine`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ring(self) -> None:
        with contextlib.suppress(OSError), self._connect() as line:
            line.sendall(frames.WAKE)

    def ask(self, question: str, timeout: float = 10.0, **words: str) -> dict[str, object]:
        body = json.dumps({"question": question, "words": words}).encode()
        try:
            with self._connect() as line:
                line.settimeout(timeout)
                line.sendall(frames.pack(frames.ASK, body))
                return _answer(frames.read_frame(line.recv))
        except OSError as error:
            raise _unavailable() from error

    def open_console(self, ticket: str) -> SocketConsoleLine:
        try:
            line = self._connect()
        except OSError as error:
            raise _unavailable() from error
        try:
            line.settimeout(TICKET_TIMEOUT)
            line.sendall(frames.pack(frames.TICKET, ticket.encode()))
            _answer(frames.read_frame(line.recv))
            line.settimeout(None)
        except OSError as error:
            line.close()
            raise _unavailable() from error
        except PaasError:
            line.close()
            raise
        return SocketConsoleLine(line)

    def _connect(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(CONNECT_TIMEOUT)
            line.connect(str(self._path))
            _want_the_worker(line)
        except OSError:
            line.close()
            raise
        return line


class SocketConsoleLine:
    """The port `ConsoleLine`."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._sending = threading.Lock()
        self._exit_code: int | None = None

    def send(self, data: bytes) -> None:
        self._send(frames.pack(frames.STDIN, data))

    def send_eof(self) -> None:
        self._send(frames.pack(frames.STDIN_END))

    def resize(self, columns: int, rows: int) -> None:
        self._send(frames.pack_size(columns, rows))

    def frames(self) -> Iterator[tuple[Literal["stdout", "stderr"], bytes]]:
        with contextlib.suppress(OSError):
            while frame := frames.read_frame(self._line.recv):
                if frame.kind == frames.STDOUT:
                    yield "stdout", frame.payload
                elif frame.kind == frames.STDERR:
                    yield "stderr", frame.payload
                elif frame.kind == frames.EXIT:
                    self._exit_code = frames.unpack_exit(frame.payload)
                    return

    def exit_code(self) -> int:
        if self._exit_code is None:
            raise UnavailableError(
                "The worker went away in the middle of the session", "try again", code="session-lost"
            )
        return self._exit_code

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()

    def _send(self, frame: bytes) -> None:
        with self._sending, contextlib.suppress(OSError):  # the end is told by `frames`
            self._line.sendall(frame)


def _want_the_worker(line: socket.socket) -> None:
    """Raises ConnectionRefusedError unless root listens: a door could have taken the name while the worker was down."""
    _pid, uid, _gid = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if uid not in (0, os.geteuid()):
        raise ConnectionRefusedError(f"user {uid} listens on the worker's socket")


def _answer(frame: frames.Frame | None) -> dict[str, object]:
    if frame is None:
        raise _unavailable()
    body: dict[str, Any] = json.loads(frame.payload)
    if frame.kind == frames.ANSWER:
        return body
    raise _refusal(body)


def _refusal(body: dict[str, Any]) -> PaasError:
    """The worker's own refusal, with its code, status and exit code."""
    error = PaasError(str(body["message"]), str(body["hint"]), code=str(body["code"]))
    error.exit_code = int(body["exit_code"])
    error.http_status = int(body["http_status"])
    return error


def _unavailable() -> UnavailableError:
    return UnavailableError("The worker does not answer", "paas status", code="worker-down")
