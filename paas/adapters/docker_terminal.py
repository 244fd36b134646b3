"""How does a person talk with a process in a container? By a raw connection to it, framed unless it is a terminal."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import psutil
import requests
from docker.errors import APIError, NotFound

from paas.adapters.docker_containers import DockerContainers
from paas.adapters.docker_engine import Engine, said
from paas.adapters.docker_frames import demultiplex
from paas.adapters.docker_logs import hang_up
from paas.errors import ConflictError, DeployError

END_OF_TRANSMISSION = b"\x04"  # what Ctrl-D types
CHUNK = 65536
KILLED = 137
SETTLE_TIMEOUT = 10  # Docker tells the number and the exit code of an exec a moment late (s)


class DockerTerminals(DockerContainers):
    """The part of ports.Runtime that opens interactive sessions."""

    _engine: Engine

    def attach(self, name: str, *, tty: bool) -> DockerTerminal:
        params: dict[str, str | int] = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}
        with self._engine.talking():
            try:
                answer = self._engine.open_stream("POST", f"/containers/{name}/attach", params=params, upgrade=True)
            except NotFound as error:
                raise DeployError(f"Container {name} is gone", code="container-gone") from error
            session = _Container(self, name)
            terminal = DockerTerminal(self._engine, answer, session, is_tty=tty)
            try:
                self._run(name)
            except DeployError:
                terminal.close()
                raise
        return terminal

    def execute(self, name: str, command: Sequence[str], *, tty: bool) -> DockerTerminal:
        with self._engine.talking() as client:
            try:
                exec_id = client.exec_create(name, list(command), stdin=True, tty=tty)["Id"]
                answer = self._engine.open_stream(
                    "POST", f"/exec/{exec_id}/start", json={"Tty": tty, "Detach": False}, upgrade=True
                )
            except APIError as error:
                if error.status_code not in (404, 409):
                    raise
                raise ConflictError(
                    f"{name} does not run: {said(error)}", "ps:report shows what runs", code="not-running"
                ) from error
        return DockerTerminal(self._engine, answer, _Exec(self._engine, exec_id), is_tty=tty)


class DockerTerminal:
    """ports.Terminal over a connection that Docker has upgraded to a raw stream."""

    def __init__(self, engine: Engine, answer: requests.Response, session: _Container | _Exec, *, is_tty: bool) -> None:
        self._engine = engine
        self._answer = answer
        self._session = session
        self._is_tty = is_tty
        raw: Any = answer.raw
        self._socket: socket.socket = raw.connection.sock
        # Output may have come together with the headers: only the buffered reader has it all.
        self._read: Callable[[int], bytes] = raw._fp.fp.read1

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # ended: `frames` tells
            self._socket.sendall(data)

    def send_eof(self) -> None:
        if self._is_tty:
            self.send(END_OF_TRANSMISSION)
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def resize(self, columns: int, rows: int) -> None:
        with self._engine.talking(), contextlib.suppress(APIError):  # not started yet, or ended
            self._session.resize(columns, rows)

    def frames(self) -> Iterator[tuple[Literal["stdout", "stderr"], bytes]]:
        if self._is_tty:
            for chunk in self._chunks():
                yield "stdout", chunk
        else:
            yield from demultiplex(self._chunks())

    def exit_code(self) -> int:
        with self._engine.talking():
            return self._session.exit_code()

    def close(self) -> None:
        hang_up(self._answer)
        with self._engine.talking():
            self._session.end()

    def _chunks(self) -> Iterator[bytes]:
        with contextlib.suppress(OSError, ValueError):
            while chunk := self._read(CHUNK):
                yield chunk


class _Container:
    """A one-off container that exists for its session."""

    def __init__(self, runtime: DockerContainers, name: str) -> None:
        self._runtime = runtime
        self._name = name

    def resize(self, columns: int, rows: int) -> None:
        self._runtime._engine.client.resize(self._name, height=rows, width=columns)

    def exit_code(self) -> int:
        code = self._runtime.wait(self._name, timeout=60)
        return KILLED if code is None else code

    def end(self) -> None:
        self._runtime.remove(self._name)


class _Exec:
    """A command beside a running container's own process."""

    def __init__(self, engine: Engine, exec_id: str) -> None:
        self._engine = engine
        self._id = exec_id

    def resize(self, columns: int, rows: int) -> None:
        self._engine.client.exec_resize(self._id, height=rows, width=columns)

    def exit_code(self) -> int:
        """Docker writes the code down a moment after the stream has ended."""
        told = self._told_when(lambda told: not told["Running"] and told["ExitCode"] is not None)
        return int(told["ExitCode"]) if told else KILLED

    def end(self) -> None:
        """Docker has no way to end an exec: its process, as the host sees it, is killed with its children.

        Its number is known only a moment after it may have begun to print.
        """
        told = self._told_when(lambda told: told["Pid"] or not told["Running"])
        if told and told["Running"] and _is_inside(told["Pid"], told["ContainerID"]):
            _kill_tree(told["Pid"])

    def _told_when(self, is_settled: Callable[[Any], bool]) -> Any:
        """What Docker says of it, once that is settled; None when it is not in time, or its container is gone."""
        until = time.monotonic() + SETTLE_TIMEOUT
        while time.monotonic() < until:
            try:
                told = self._engine.client.exec_inspect(self._id)
            except NotFound:
                return None
            if is_settled(told):
                return told
            time.sleep(0.02)
        return None


def _is_inside(pid: int, container_id: str) -> bool:
    """Numbers are used again: the process must be in that container's cgroup."""
    try:
        return container_id in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _kill_tree(pid: int) -> None:
    """The process and all below it; each is held first, so that none slips a child past us."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        waiting = [psutil.Process(pid)]
        while waiting:
            process = waiting.pop()
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
                family.append(process)
                waiting += process.children()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
