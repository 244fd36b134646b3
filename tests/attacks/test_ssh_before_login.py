"""A stranger with a TCP connection and no key.

Attacks: announce a packet of 256 MB and let the server wait for it (paramiko alone collects whatever comes); never end
the version line; say nothing; drip; open more connections than fit; try key after key. The door closes each of them,
keeps letting others in, and its memory does not grow.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path

import pytest

from paas.ssh.gate import FREE_FAILURES
from tests.attacks.raw_ssh import connect, read_until_closed
from tests.ssh.door import Door, Person, open_door
from tests.waiting import PATIENCE, wait_until


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_giant_packet_is_refused_by_its_announced_length(door: Door, ana: Person) -> None:
    before = resident_bytes()
    with connect(door) as sock:
        sock.sendall(b"SSH-2.0-x\r\n" + struct.pack(">I", 0x1000_0000) + b"\x0a\x14" + b"x" * 100)
        try:
            for _ in range(64):
                sock.sendall(b"x" * 1_000_000)
        except OSError:
            pass
        read_until_closed(sock)
    assert resident_bytes() - before < 32_000_000
    assert ana.ssh().returncode == 0


@pytest.mark.parametrize("length", [0, 1, 3, 0xFFFF_FFFF, 40_000])
def test_odd_packet_lengths_end_the_connection(door: Door, ana: Person, length: int) -> None:
    with connect(door) as sock:
        sock.sendall(b"SSH-2.0-x\r\n" + struct.pack(">I", length) + b"\xff" * 60)
        sock.shutdown(socket.SHUT_WR)
        read_until_closed(sock)
    assert ana.ssh().returncode == 0


def test_a_version_line_without_an_end_is_not_collected(door: Door) -> None:
    with connect(door) as sock:
        try:
            for _ in range(1_000):
                sock.sendall(b"x" * 1_000)
        except OSError:
            pass
        read_until_closed(sock)


@pytest.mark.parametrize("drips", [False, True])
def test_a_login_that_takes_too_long_is_ended(tmp_path: Path, host_keys: Path, drips: bool) -> None:
    with open_door(tmp_path, host_keys, ssh_login_grace=0.5) as door, connect(door, 0.1) as sock:
        began = time.monotonic()
        read = b""
        while time.monotonic() - began < PATIENCE:
            try:
                if drips:
                    sock.sendall(b"x")
                chunk = sock.recv(4096)
                if not chunk:
                    break
                read += chunk
            except TimeoutError:
                continue
            except OSError:
                break
        assert 0.4 < time.monotonic() - began < PATIENCE
        assert read.startswith(b"SSH-2.0-")
        assert door.person("ana").ssh().returncode == 0


def test_connections_that_do_not_log_in_leave_room_for_others(tmp_path: Path, host_keys: Path) -> None:
    with open_door(tmp_path, host_keys, ssh_pending_per_address=3, ssh_login_grace=3.0) as door:
        idle = [socket.create_connection(("127.0.0.1", door.port), timeout=PATIENCE) for _ in range(3)]
        for sock in idle:
            assert sock.recv(100).startswith(b"SSH-2.0-")
        with connect(door) as fourth:
            assert read_until_closed(fourth).startswith(b"too many connections that have not logged in")
        for sock in idle:
            read_until_closed(sock)
            sock.close()
        assert door.person("ana").ssh().returncode == 0


def test_key_after_key_makes_an_address_wait(door: Door, ana: Person) -> None:
    stranger = door.stranger()
    for _ in range(FREE_FAILURES + 1):
        assert "Permission denied" in stranger.ssh().stderr
        _until_counted(door)
    refused = stranger.ssh()
    assert refused.returncode == 255
    assert "Permission denied" not in refused.stderr


def test_many_keys_on_one_connection_are_cut_off(door: Door, tmp_path: Path) -> None:
    import paramiko

    with connect(door) as sock:
        transport = paramiko.Transport(sock)
        transport.start_client(timeout=PATIENCE)
        refusals = 0
        with pytest.raises((paramiko.SSHException, EOFError, OSError)):
            for _ in range(30):
                try:
                    transport.auth_publickey("paas", paramiko.ECDSAKey.generate())
                except paramiko.AuthenticationException as error:
                    if not transport.is_active():
                        raise EOFError from error
                    refusals += 1
        assert refusals <= 10
        transport.close()


@pytest.mark.parametrize("method", ["password", "keyboard-interactive", "none"])
def test_nothing_but_a_key_logs_in(door: Door, ana: Person, method: str) -> None:
    import paramiko

    with connect(door) as sock:
        transport = paramiko.Transport(sock)
        transport.start_client(timeout=PATIENCE)
        with pytest.raises(paramiko.BadAuthenticationType) as caught:
            if method == "password":
                transport.auth_password("paas", "paas")
            elif method == "none":
                transport.auth_none("paas")
            else:
                transport.auth_interactive("paas", lambda *words: ["paas"])
        assert caught.value.allowed_types == ["publickey"]
        transport.close()


def _until_counted(door: Door) -> None:
    """The failure is noted when the connection's thread ends, a moment after the client has."""
    wait_until(lambda: not door.server._gate._connections)
