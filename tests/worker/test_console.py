from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from paas.adapters.system import SystemClock
from paas.adapters.workerline import SocketWorkerLine
from paas.context import WorkerPlatform
from paas.errors import DeployError, PaasError
from paas.model import App, Database, Ticket
from paas.ports import Terminal
from paas.rules.jobs import ConsoleOrder
from paas.worker.console import Consoles
from paas.worker.line import WorkerSocket
from tests.fakes.behaviour import Behaviour
from tests.fakes.platform import worker_platform
from tests.fakes.terminal import FakeTerminal
from tests.waiting import PATIENCE, wait_until

APP = "app00001"


class Opener:
    """Opens fake terminals, and remembers for whom and how they ended."""

    def __init__(self) -> None:
        self.behaviour = Behaviour(echoes=True)
        self.orders: list[ConsoleOrder] = []
        self.terminals: list[FakeTerminal] = []
        self.codes: list[int] = []
        self.closed = threading.Event()
        self.refusal: PaasError | None = None

    def __call__(self, on: WorkerPlatform, app: App, order: ConsoleOrder) -> Terminal:
        if self.refusal:
            raise self.refusal
        self.orders.append(order)
        terminal = FakeTerminal(self.behaviour, self.codes.append, self.closed.set)
        self.terminals.append(terminal)
        return terminal


@pytest.fixture
def on(database: Database, tmp_path: Path) -> WorkerPlatform:
    platform = worker_platform(database, tmp_path, clock=SystemClock())
    with database.write() as session:
        session.add(App(id=APP, name="blog", created_at=platform.clock.now()))
    return platform


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def line(on: WorkerPlatform, opener: Opener) -> Iterator[SocketWorkerLine]:
    server = WorkerSocket(on.settings, lambda: None, {}, Consoles(on, opener).bridge)
    server.start()
    yield SocketWorkerLine(on.settings.folder("run") / "worker.sock")
    server.stop()


def ticket(on: WorkerPlatform, secret: str = "s3cret", lifetime: float = 30, **order: object) -> str:
    now = on.clock.now()
    payload = {"kind": "run", "command": ["cat"], **order}
    with on.database.write() as session:
        session.add(
            Ticket(
                id=hashlib.sha256(secret.encode()).hexdigest(), app_id=APP, payload=payload, created_by="ana",
                created_at=now, expires_at=now + timedelta(seconds=lifetime),
            )
        )  # fmt: skip
    return secret


def test_bytes_go_both_ways_and_the_exit_code_comes_back(
    on: WorkerPlatform, line: SocketWorkerLine, opener: Opener
) -> None:
    opener.behaviour = Behaviour(echoes=True, exit_code=3, errors=("warning",))
    console = line.open_console(ticket(on))
    arriving = console.frames()
    assert next(arriving) == ("stderr", b"warning\n")
    console.send(b"hello\n")
    assert next(arriving) == ("stdout", b"hello\n")
    console.send(b"\0\xff" * 50_000)
    assert next(arriving) == ("stdout", b"\0\xff" * 50_000)
    console.send_eof()
    assert list(arriving) == []
    assert console.exit_code() == 3
    assert opener.closed.wait(PATIENCE)  # a one-off is removed at its end
    console.close()


def test_a_terminal_gets_its_size_and_its_changes(on: WorkerPlatform, line: SocketWorkerLine, opener: Opener) -> None:
    console = line.open_console(ticket(on, tty=True, columns=100, rows=30))
    console.resize(120, 40)
    wait_until(lambda: opener.terminals[0].sizes == [(100, 30), (120, 40)])
    console.close()


def test_who_hangs_up_takes_the_process_along(on: WorkerPlatform, line: SocketWorkerLine, opener: Opener) -> None:
    line.open_console(ticket(on)).close()
    assert opener.closed.wait(PATIENCE)
    wait_until(lambda: opener.codes == [137])


def test_a_ticket_is_good_for_one_session(on: WorkerPlatform, line: SocketWorkerLine) -> None:
    secret = ticket(on)
    line.open_console(secret).close()
    with pytest.raises(PaasError) as refusal:
        line.open_console(secret)
    assert refusal.value.code == "ticket"


@pytest.mark.parametrize("secret", ["", "unknown", "ünïcode", "x" * 60_000])
def test_an_unknown_ticket_is_refused(line: SocketWorkerLine, secret: str) -> None:
    with pytest.raises(PaasError) as refusal:
        line.open_console(secret)
    assert refusal.value.code == "ticket"


def test_an_old_ticket_is_refused(on: WorkerPlatform, line: SocketWorkerLine) -> None:
    with pytest.raises(PaasError):
        line.open_console(ticket(on, lifetime=-1))


def test_a_forged_ticket_carries_no_docker_option(on: WorkerPlatform, line: SocketWorkerLine, opener: Opener) -> None:
    with pytest.raises(PaasError) as refusal:
        line.open_console(ticket(on, privileged=True))
    assert refusal.value.code == "ticket"
    assert opener.orders == []


def test_what_hinders_the_session_is_told(on: WorkerPlatform, line: SocketWorkerLine, opener: Opener) -> None:
    opener.refusal = DeployError("blog has no release yet", "git push paas main", code="no-release")
    with pytest.raises(PaasError) as refusal:
        line.open_console(ticket(on))
    assert (refusal.value.code, refusal.value.hint) == ("no-release", "git push paas main")
