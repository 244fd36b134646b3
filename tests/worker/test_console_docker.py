"""Sessions with real containers, from a door's end of the socket to the process and back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from paas.adapters.docker import DockerRuntime
from paas.adapters.system import SystemClock
from paas.adapters.workerline import SocketConsoleLine, SocketWorkerLine
from paas.context import WorkerPlatform
from paas.model import App, Database, Ticket
from paas.ports import ContainerSpec, Terminal
from paas.rules import names
from paas.rules.jobs import ConsoleOrder
from paas.worker.console import Consoles
from paas.worker.line import WorkerSocket
from tests.engine import engine_of_tests, new_app_id
from tests.fakes.platform import worker_platform
from tests.images import python_image
from tests.waiting import wait_until


@dataclass
class Room:
    on: WorkerPlatform
    runtime: DockerRuntime
    app_id: str

    def __post_init__(self) -> None:
        self._numbers = count(10**9)
        with self.on.database.write() as session:
            session.add(App(id=self.app_id, name="blog", created_at=self.on.clock.now()))

    def open_terminal(self, on: WorkerPlatform, app: App, order: ConsoleOrder) -> Terminal:
        name = names.task_container_name(app.id, names.TYPE_RUN, next(self._numbers))
        spec = ContainerSpec(
            name, python_image(), app.id, app.name, names.TYPE_RUN, 1, 1, 0,
            command=order.command, tty=order.tty, stdin=True,
        )  # fmt: skip
        on.runtime.create(spec)
        return on.runtime.attach(name, tty=order.tty)

    def session(self, *command: str, tty: bool = False) -> SocketConsoleLine:
        now, secret = self.on.clock.now(), f"ticket {time.monotonic_ns()}"
        order = ConsoleOrder(kind="run", command=command, tty=tty, columns=101, rows=33)
        with self.on.database.write() as session:
            session.add(
                Ticket(
                    id=hashlib.sha256(secret.encode()).hexdigest(), app_id=self.app_id, created_by="ana",
                    payload=order.model_dump(mode="json"), created_at=now, expires_at=now + timedelta(seconds=30),
                )
            )  # fmt: skip
        return SocketWorkerLine(self.on.settings.folder("run") / "worker.sock").open_console(secret)

    def is_clean(self) -> bool:
        return not self.runtime.containers()


@pytest.fixture
def room(sqlite_database: Database, tmp_path: Path) -> Iterator[Room]:
    with engine_of_tests("console") as runtime:
        on = worker_platform(sqlite_database, tmp_path, clock=SystemClock(), runtime=runtime)
        made = Room(on, runtime, new_app_id())
        server = WorkerSocket(on.settings, lambda: None, {}, Consoles(on, made.open_terminal).bridge)
        server.start()
        yield made
        server.stop()


def output(console: SocketConsoleLine) -> dict[str, bytes]:
    found = {"stdout": b"", "stderr": b""}
    for stream, chunk in console.frames():
        found[stream] += chunk
    return found


def test_stdin_stdout_stderr_and_exit_code_pass(room: Room) -> None:
    console = room.session("sh", "-c", "cat; echo complaint >&2; exit 7")
    sent = bytes(range(256)) * 1000
    console.send(sent)
    console.send_eof()
    assert output(console) == {"stdout": sent, "stderr": b"complaint\n"}
    assert console.exit_code() == 7
    console.close()
    wait_until(room.is_clean)


def test_a_terminal_knows_its_size(room: Room) -> None:
    console = room.session("sh", "-c", "read go; stty size", tty=True)
    console.send(b"go\n")
    assert b"33 101" in output(console)["stdout"]
    assert console.exit_code() == 0
    console.close()


def test_who_hangs_up_leaves_no_container_behind(room: Room) -> None:
    console = room.session("sleep", "600")
    assert not room.is_clean()
    console.close()
    wait_until(room.is_clean)


def test_two_sessions_do_not_mix(room: Room) -> None:
    one, two = room.session("cat"), room.session("cat")
    one.send(b"one")
    two.send(b"two")
    for console in (two, one):
        console.send_eof()
    assert (output(one)["stdout"], output(two)["stdout"]) == (b"one", b"two")
    wait_until(room.is_clean)
