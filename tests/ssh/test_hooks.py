"""The hooks' socket: who is answered, who is not."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.rules.push import RefUpdate
from paas.ssh.hooks import HookRequest, HookServer
from tests.ssh.door import ASSETS

NONE = "0" * 40
A = "a" * 40


class Listener:
    def __init__(self) -> None:
        self.asked: list[HookRequest] = []
        self.refusal = ""
        self.answers: dict[str, str] = {}
        self.lines: list[str] = []

    def inspect(self, request: HookRequest, say) -> str:
        self.asked.append(request)
        for line in self.lines:
            say(line)
        return self.refusal

    def receive(self, request: HookRequest, say) -> dict[str, str]:
        self.asked.append(request)
        for line in self.lines:
            say(line)
        return self.answers


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HookServer]:
    made = HookServer(tmp_path / "hook.sock")
    made.start()
    yield made
    made.close()


def packets(*texts: bytes) -> bytes:
    return b"".join(b"%04x%s" % (len(text) + 4, text) for text in texts) + b"0000"


def run_hook(name: str, environment: dict[str, str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    hook = ASSETS / "hooks" / name
    return subprocess.run([hook], env=environment, input=stdin, capture_output=True, check=False, timeout=60)


def ask(server: HookServer, *lines: str) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(server.path))
        line.sendall("".join(f"{text}\n" for text in lines).encode())
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := line.recv(4096):
            answer += chunk
        return answer


def test_the_socket_is_its_owners_alone(server: HookServer) -> None:
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600


def test_pre_receive_lets_through_what_is_not_refused(server: HookServer) -> None:
    listener = Listener()
    with server.expect(listener) as environment:
        done = run_hook(
            "pre-receive",
            environment | {"GIT_QUARANTINE_PATH": "/q", "GIT_PUSH_OPTION_COUNT": "1", "GIT_PUSH_OPTION_0": "no-cache"},
            f"{NONE} {A} refs/heads/main\n".encode(),
        )
    assert (done.returncode, done.stderr) == (0, b"")
    [request] = listener.asked
    assert request.updates == [RefUpdate("refs/heads/main", None, A)]
    assert (request.quarantine, request.options) == ("/q", ["no-cache"])


def test_pre_receive_ends_the_push_that_is_refused(server: HookServer) -> None:
    listener = Listener()
    listener.refusal, listener.lines = "no", [" !     too large", "with\x1b[31m colour\n and\rmore"]
    with server.expect(listener) as environment:
        done = run_hook("pre-receive", environment, f"{NONE} {A} refs/heads/main\n".encode())
    assert done.returncode == 1
    assert done.stderr == b" !     too large\nwith colour andmore\n"


def test_proc_receive_answers_for_every_ref(server: HookServer) -> None:
    listener = Listener()
    listener.answers = {"refs/heads/main": "", "refs/heads/ü;x": "only main\nis deployed"}
    with server.expect(listener) as environment:
        done = run_hook(
            "proc-receive",
            environment,
            packets(b"version=1\0push-options atomic\n")
            + packets(f"{NONE} {A} refs/heads/main\n".encode(), f"{NONE} {A} refs/heads/ü;x\n".encode())
            + packets(b"no-cache"),
        )
    assert done.returncode == 0
    assert done.stdout == packets(b"version=1\0push-options atomic") + packets(
        b"ok refs/heads/main", "ng refs/heads/ü;x only mainis deployed".encode()
    )
    [request] = listener.asked
    assert request.is_atomic and request.options == ["no-cache"]


def test_a_bug_of_ours_is_a_reference_for_the_pusher_and_refuses(server: HookServer) -> None:
    class Broken(Listener):
        def receive(self, request: HookRequest, say) -> dict[str, str]:
            raise ZeroDivisionError

        def inspect(self, request: HookRequest, say) -> str:
            raise OSError

    with server.expect(Broken()) as environment:
        update = f"{NONE} {A} refs/heads/main"
        assert run_hook("pre-receive", environment, f"{update}\n".encode()).returncode == 1
        done = run_hook("proc-receive", environment, packets(b"version=1") + packets(update.encode()))
    assert b"reference" in done.stderr
    assert b"ng refs/heads/main internal error, reference" in done.stdout


def test_refs_without_an_answer_are_refused(server: HookServer) -> None:
    with server.expect(Listener()) as environment:
        stdin = packets(b"version=1") + packets(f"{NONE} {A} refs/heads/main".encode())
        done = run_hook("proc-receive", environment, stdin)
    assert b"ng refs/heads/main" in done.stdout


@pytest.mark.parametrize("environment", [{}, {"PAAS_HOOK_SOCKET": "/nonexistent", "PAAS_HOOK_TOKEN": "x"}])
def test_without_a_door_nothing_is_admitted(environment: dict[str, str]) -> None:
    assert run_hook("pre-receive", environment, f"{NONE} {A} refs/heads/main\n".encode()).returncode == 1
    stdin = packets(b"version=1") + packets(f"{NONE} {A} refs/heads/main".encode())
    assert b"ng refs/heads/main" in run_hook("proc-receive", environment, stdin).stdout


def test_each_hook_of_a_push_is_answered_once(server: HookServer) -> None:
    listener = Listener()
    with server.expect(listener) as environment:
        words = (environment["PAAS_HOOK_TOKEN"], "hook pre-receive", "end")
        assert ask(server, *words) == b"end\n"
        assert ask(server, *words) == b""
        assert ask(server, words[0], "hook post-receive", "end") == b""
    assert ask(server, words[0], "hook proc-receive", "end") == b""
    assert len(listener.asked) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ("", "hook pre-receive", "end"),
        ("0" * 32, "hook pre-receive", "end"),
        ("ü", "hook proc-receive", "end"),
        ("nonsense",),
        ("x", "unknown word", "end"),
        ("x", "update only-two words", "end"),
    ],
)
def test_a_stranger_gets_no_answer(server: HookServer, lines: tuple[str, ...]) -> None:
    with server.expect(Listener()):
        assert ask(server, *lines) == b""


def test_the_hooks_are_programs_of_the_standard_library_alone() -> None:
    hook = ASSETS / "hooks" / "proc-receive"
    assert hook.read_text().startswith("#!/usr/bin/python3 -IS\n")
    assert (ASSETS / "hooks" / "pre-receive").resolve() == hook
    assert os.access(hook, os.X_OK)
