"""A door that was taken over speaks to the worker, which is root.

Attacks: thousands of connections that say nothing, frames that do not end, bytes one by one, lengths that lie.
"""

from __future__ import annotations

import contextlib
import resource
import secrets
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.adapters.workerline import SocketWorkerLine
from paas.settings import Settings
from paas.worker.line import MOST_PEERS, WorkerSocket
from tests.waiting import PATIENCE


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    def refuse(line: socket.socket, ticket: str) -> None:
        raise AssertionError("no ticket is good")

    server = WorkerSocket(Settings(home=tmp_path), lambda: None, {"echo": lambda words: {"echo": dict(words)}}, refuse)
    server.start()
    yield tmp_path / "run" / "worker.sock"
    server.stop()


def call(path: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(PATIENCE)
    line.connect(str(path))
    return line


def answers(path: Path) -> bool:
    return SocketWorkerLine(path).ask("echo", a="b") == {"echo": {"a": "b"}}


def test_thousands_of_silent_callers_take_no_more_than_their_places(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(3 * MOST_PEERS):
                with contextlib.suppress(OSError):
                    stack.enter_context(call(path))
            assert threading.active_count() <= MOST_PEERS + 20
        for _ in range(200):  # they have hung up: their places are free at once
            with contextlib.suppress(Exception):
                if answers(path):
                    break
        assert answers(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    "raw",
    [
        b"?" + struct.pack(">I", 2**32 - 1) + b"x" * 1000,
        b"?" + struct.pack(">I", 65_537),
        b">" + struct.pack(">I", 60_000) + b"\xff" * 60_000,
        b"=" * 100,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        secrets.token_bytes(4096),
        b"!" * 10_000,
    ],
)
def test_nonsense_is_hung_up_on(path: Path, raw: bytes) -> None:
    with call(path) as line, contextlib.suppress(OSError):
        line.sendall(raw)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65_536):
            pass
    assert answers(path)


def test_a_slow_caller_keeps_nobody_waiting(path: Path) -> None:
    with call(path) as slow:
        slow.sendall(b"?\0\0\xff\xff")
        for _ in range(20):
            assert answers(path)
            slow.sendall(b"x")
