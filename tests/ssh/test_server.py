"""The door as a whole: port, limits, deadlines, one line per session."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path

import pytest
import structlog

from paas.errors import UnavailableError
from paas.ssh.server import SshServer, listen
from tests.ssh.door import Door, Person, make_platform, open_door
from tests.waiting import wait_until


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UnavailableError) as caught:
            listen("127.0.0.1", port)
    assert caught.value.code == "port-taken"
    assert str(port) in caught.value.message


def test_all_addresses_of_both_families_are_listened_on() -> None:
    with listen("::", 0) as listening:
        port = listening.getsockname()[1]
        for address in ("127.0.0.1", *(["::1"] if has_ipv6() else [])):
            socket.create_connection((address, port), timeout=60).close()


def has_ipv6() -> bool:
    """Containers of Docker have it compiled in, and no address."""
    addresses = Path("/proc/net/if_inet6")
    return addresses.exists() and "00000000000000000000000000000001" in addresses.read_text()


def test_a_second_door_on_the_same_port_does_not_start(door: Door, tmp_path: Path, host_keys: Path) -> None:
    platform = make_platform(tmp_path / "second", ssh_port=door.port)
    with pytest.raises(UnavailableError, match="taken"):
        SshServer(platform).start()


def test_a_stopped_door_lets_nobody_in(tmp_path: Path, host_keys: Path) -> None:
    with open_door(tmp_path, host_keys) as door:
        port = door.port
        assert "Hello" in door.person("ana").ssh().stdout
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert not (tmp_path / "home" / "run" / "hook.sock").exists()


def test_a_session_is_one_line_of_json(door: Door, ana: Person, capsys: pytest.CaptureFixture[str]) -> None:
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )
    try:
        ana.ssh("apps:info", "none")
        lines = _lines(capsys, 1)
    finally:
        structlog.reset_defaults()
    [line] = lines
    assert line.pop("seconds") >= 0
    assert line == {
        "event": "session", "user": "ana", "address": "127.0.0.1", "command": "apps:info none", "exit_code": 20,
        "bytes_sent": len(" !     App none does not exist  [app-not-found]\n")
        + len(" !     apps:list shows the apps that you may see\n"),
    }  # fmt: skip


def test_the_connection_cap_holds(tmp_path: Path, host_keys: Path) -> None:
    with open_door(tmp_path, host_keys, ssh_connection_limit=2, ssh_pending_per_address=8) as door:
        idle = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(2)]
        for sock in idle:
            assert sock.recv(100).startswith(b"SSH-2.0-")
        with socket.create_connection(("127.0.0.1", door.port)) as third:
            assert third.recv(100).startswith(b"too many connections")
        for sock in idle:
            sock.close()
        wait_until(lambda: "Hello" in door.person(f"ana{time.monotonic_ns()}").ssh().stdout)


def test_many_logins_that_take_too_long_are_ended_together(tmp_path: Path, host_keys: Path) -> None:
    """Closed one after the other, each would have kept the door from accepting for a tenth of a second."""
    with open_door(tmp_path, host_keys, ssh_login_grace=0.5, ssh_pending_per_address=100) as door:
        idle = [socket.create_connection(("127.0.0.1", door.port), timeout=60) for _ in range(100)]
        started = time.monotonic()
        for sock in idle:
            while sock.recv(1000):
                pass
            sock.close()
        assert time.monotonic() - started < 8  # ten seconds otherwise


def _lines(capsys: pytest.CaptureFixture[str], number: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []

    def has_come() -> bool:
        found.extend(json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{"))
        return len(found) >= number

    wait_until(has_come)
    return found
