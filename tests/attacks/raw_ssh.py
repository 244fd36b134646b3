"""A client that says what it likes: the first steps of SSH by hand, and paramiko as a client for what comes after."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from tests.ssh.door import Door, Person


@contextmanager
def connect(door: Door, timeout: float = 10.0) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", door.port), timeout=timeout) as sock:
        yield sock


def read_until_closed(sock: socket.socket) -> bytes:
    """What still comes, until the server closes; raises TimeoutError when it does not."""
    read = b""
    try:
        while chunk := sock.recv(65_536):
            read += chunk
    except ConnectionResetError:
        pass
    return read


@contextmanager
def log_in(door: Door, person: Person) -> Iterator[paramiko.Transport]:
    """A connection of paramiko's own, authenticated."""
    with connect(door) as sock:
        transport = paramiko.Transport(sock)
        transport.connect(username="paas", pkey=paramiko.Ed25519Key.from_private_key_file(str(person.key)))
        try:
            yield transport
        finally:
            transport.close()
