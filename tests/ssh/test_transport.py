from __future__ import annotations

import socket

import pytest
from paramiko.ssh_exception import SSHException

from paas.ssh.transport import (
    LONGEST_BANNER,
    PACKET_AFTER_LOGIN,
    PACKET_BEFORE_LOGIN,
    STRONG_CIPHERS,
    STRONG_KEX,
    STRONG_MACS,
    CappedPacketizer,
    DoorTransport,
)


@pytest.fixture
def pair():
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    ours, _ = server.accept()
    server.close()
    yield ours, client
    ours.close()
    client.close()


def test_a_packet_is_refused_before_its_bytes_are_awaited(pair) -> None:
    packetizer = CappedPacketizer(pair[0])
    with pytest.raises(SSHException):
        packetizer.read_all(PACKET_BEFORE_LOGIN + 1)
    packetizer.longest = PACKET_AFTER_LOGIN
    pair[1].sendall(b"x" * 50_000)
    assert len(packetizer.read_all(50_000)) == 50_000


def test_a_version_line_has_an_end(pair) -> None:
    ours, client = pair
    client.sendall(b"x" * (LONGEST_BANNER + 200))
    with pytest.raises(SSHException):
        CappedPacketizer(ours).readline(5)


def test_only_strong_algorithms_are_offered(pair) -> None:
    transport = DoorTransport(pair[0], lambda: None, lambda: None)
    offered = (*transport.preferred_ciphers, *transport.preferred_macs, *transport.preferred_kex)
    assert set(transport.preferred_ciphers) == set(STRONG_CIPHERS)
    assert set(transport.preferred_macs) == set(STRONG_MACS)
    assert set(transport.preferred_kex) <= set(STRONG_KEX)
    assert {"curve25519-sha256", "curve25519-sha256@libssh.org"} <= set(transport.preferred_kex)
    assert not [name for name in offered if "cbc" in name or "md5" in name or "sha1" in name]
