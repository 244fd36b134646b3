"""Interactive sessions as a client has them: both streams, stdin, the window, the exit code, and hanging up."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from datetime import UTC, datetime

import pytest

from paas.model import Image, Release
from tests.fakes.behaviour import Behaviour
from tests.fakes.terminal import FakeTerminal
from tests.ssh.door import Door, Person
from tests.waiting import wait_until


@pytest.fixture
def person(door: Door) -> Person:
    """Somebody who may operate the app `blog`, which has a release."""
    ana = door.person("ana")
    app = door.app("blog", ana="operate")
    now = datetime.now(UTC)
    with door.database.write() as session:
        image = Image(app_id=app.id, job_id=1, docker_id="sha256:1", tag="t", builder="static", size=1, created_at=now)
        session.add(image)
        session.flush()
        release = Release(
            app_id=app.id, version=1, status="current", cause="deploy", description="Deploy", image_id=image.id,
            sealed_config=b"", processes={}, manifest={}, port=5000, created_by="ana", created_at=now,
        )  # fmt: skip
        session.add(release)
        session.flush()
        session.merge(app).current_release_id = release.id
    return ana


class Hangup:
    """Remembers that the container was hung up."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def container(door: Door, behaviour: Behaviour) -> tuple[FakeTerminal, Hangup]:
    hangup = Hangup()
    terminal = FakeTerminal(behaviour, lambda code: None, hangup)
    door.worker.consoles.append(terminal)  # type: ignore[arg-type]  # it does what a ConsoleLine does
    return terminal, hangup


def test_both_streams_and_the_exit_code_come_through(door: Door, person: Person) -> None:
    container(door, Behaviour(output=("out",), errors=("err",), exit_code=7))
    ran = person.ssh("run", "blog", "ls")
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, "out\n", "err\n")


def test_stdin_reaches_the_container_and_ends_there(door: Door, person: Person) -> None:
    container(door, Behaviour(echoes=True))
    text = "".join(f"line {number}\n" for number in range(20_000))
    ran = person.ssh("run", "blog", "cat", stdin=text)
    assert (ran.returncode, ran.stdout) == (0, text)


def test_a_client_that_leaves_hangs_the_container_up(door: Door, person: Person) -> None:
    _, hangup = container(door, Behaviour(echoes=True))
    words = [*person.with_options("-tt").ssh_words(), "paas@127.0.0.1", "run", "blog", "cat"]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(b"x")
    child.stdin.flush()
    assert child.stdout.read(1) == b"x"
    child.kill()
    child.communicate()
    wait_until(lambda: hangup.times > 0)


def test_a_client_that_leaves_after_its_input_ended_hangs_up_too(door: Door, person: Person) -> None:
    terminal, hangup = container(door, Behaviour(echoes=True))
    terminal.send_eof = lambda: None  # type: ignore[method-assign]  # a program that goes on without input
    words = [*person.ssh_words(), "paas@127.0.0.1", "run", "blog", "sleep"]
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    terminal.send(b"x")
    assert child.stdout is not None and child.stdout.read(1) == b"x"
    time.sleep(0.1)
    assert hangup.times == 0
    child.kill()
    child.communicate()
    wait_until(lambda: hangup.times > 0)


def test_changes_of_the_window_reach_the_container(door: Door, person: Person) -> None:
    terminal, _ = container(door, Behaviour(echoes=True))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    words = [*person.with_options("-tt").ssh_words(), "paas@127.0.0.1", "run", "blog", "sh"]
    child = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        terminal.send(b"ready")
        assert os.read(ours, 5) == b"ready"
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
        child.send_signal(signal.SIGWINCH)
        wait_until(lambda: terminal.sizes == [(132, 50)])
    finally:
        child.kill()
        child.wait()
        os.close(ours)
        os.close(theirs)


def test_without_a_worker_one_line_says_so(door: Door, person: Person) -> None:
    ran = person.ssh("run", "blog", "ls")
    assert ran.returncode != 0
    assert ran.stderr.startswith(" !     ")
