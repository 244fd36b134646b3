from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from paas.adapters.workerline import SocketWorkerLine
from paas.errors import NotFoundError, PaasError
from paas.rules import frames
from paas.settings import Settings
from paas.worker.line import WorkerSocket
from tests.waiting import PATIENCE


class Rung:
    def __init__(self) -> None:
        self.event = threading.Event()

    def __call__(self) -> None:
        self.event.set()


def answer_echo(words: Mapping[str, str]) -> Mapping[str, object]:
    return {"echo": dict(words)}


def answer_refusal(words: Mapping[str, str]) -> Mapping[str, object]:
    raise NotFoundError("No such thing", "look elsewhere", code="nothing")


def answer_bug(words: Mapping[str, str]) -> Mapping[str, object]:
    raise RuntimeError("the password is hunter2")


def refuse_ticket(line: socket.socket, ticket: str) -> None:
    raise NotFoundError(f"No ticket {ticket}", code="ticket")


HANDLERS = {"echo": answer_echo, "refusal": answer_refusal, "bug": answer_bug}


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def server(tmp_path: Path, rung: Rung) -> Iterator[WorkerSocket]:
    made = WorkerSocket(Settings(home=tmp_path), rung, HANDLERS, refuse_ticket)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def line(tmp_path: Path, server: WorkerSocket) -> SocketWorkerLine:
    return SocketWorkerLine(tmp_path / "run/worker.sock")


def test_a_ring_wakes_the_worker(line: SocketWorkerLine, rung: Rung) -> None:
    line.ring()
    assert rung.event.wait(PATIENCE)


def test_a_question_is_answered(line: SocketWorkerLine) -> None:
    assert line.ask("echo", app="blog") == {"echo": {"app": "blog"}}


def test_a_refusal_keeps_its_code_and_hint(line: SocketWorkerLine) -> None:
    with pytest.raises(PaasError) as refusal:
        line.ask("refusal")
    said = refusal.value
    assert (said.code, said.message, said.hint, said.http_status) == ("nothing", "No such thing", "look elsewhere", 404)


def test_a_bug_is_shown_as_a_reference_only(line: SocketWorkerLine) -> None:
    with pytest.raises(PaasError, match="reference") as refusal:
        line.ask("bug")
    assert "hunter2" not in str(refusal.value)


def test_an_unknown_question_is_refused(line: SocketWorkerLine) -> None:
    with pytest.raises(PaasError, match="knows no answer"):
        line.ask("rm -rf")


def test_a_refused_ticket_is_told(line: SocketWorkerLine) -> None:
    with pytest.raises(PaasError, match="No ticket abc"):
        line.open_console("abc")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"?",
        b"?\xff\xff\xff\xff",
        frames.pack(b"?", b"not json"),
        frames.pack(b"?", b"[" * 60_000),
        frames.pack(b"?", json.dumps({"question": "echo", "words": 5}).encode()),
        frames.pack(b"~", b"what is this"),
    ],
)
def test_nonsense_does_not_hurt_the_worker(line: SocketWorkerLine, tmp_path: Path, raw: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(tmp_path / "run/worker.sock"))
        peer.sendall(raw)
        peer.shutdown(socket.SHUT_WR)
        assert b"hunter2" not in peer.recv(1000)
    assert line.ask("echo") == {"echo": {}}


def test_the_socket_is_for_root_and_its_group(server: WorkerSocket, tmp_path: Path) -> None:
    facts = (tmp_path / "run/worker.sock").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o660, os.getuid())


def test_a_killed_predecessors_socket_is_replaced(tmp_path: Path, rung: Rung) -> None:
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "run/worker.sock"))
    server = WorkerSocket(Settings(home=tmp_path), rung, HANDLERS, refuse_ticket)
    server.start()
    assert SocketWorkerLine(tmp_path / "run/worker.sock").ask("echo") == {"echo": {}}
    server.stop()
    assert not (tmp_path / "run/worker.sock").exists()


CONNECT = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
with socket.socket(socket.AF_UNIX) as peer:
    peer.settimeout(30)
    peer.connect(sys.argv[1])
    try:
        peer.sendall(b"?\\0\\0\\0\\x21" + b'{"question": "echo", "words": {}}')
        print(len(peer.recv(100)))
    except (ConnectionResetError, BrokenPipeError):
        print(0)
"""


def test_other_users_are_not_listened_to_even_where_the_mode_lets_them(server: WorkerSocket, tmp_path: Path) -> None:
    path = tmp_path / "run/worker.sock"
    path.chmod(0o666)
    for folder in (tmp_path / "run", *tmp_path.parents, tmp_path):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)

    def heard(user: int) -> int:
        words = [sys.executable, "-c", CONNECT, str(path), str(user)]
        return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    assert heard(0) > 0
    assert heard(65534) == 0


def test_it_listens_on_after_there_were_too_many_open_files(line: SocketWorkerLine, tmp_path: Path) -> None:
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno(), most[1]))
    held = []
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.dup(0))
        waiting.connect(str(tmp_path / "run/worker.sock"))
        time.sleep(0.2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
        for number in held:
            os.close(number)
        waiting.close()
    assert line.ask("echo", app="blog") == {"echo": {"app": "blog"}}
