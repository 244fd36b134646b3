"""Probes against real sockets that answer, stall, drip or lie."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from paas.adapters.prober import BODY_LIMIT, SocketProber


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port of the loopback interface; `answer` gets each connection after its request was read."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
                with connection:
                    answer(connection)
            except OSError:
                return

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def replying(text: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)

    return answer


def dripping(head: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        while True:  # until the prober hangs up
            connection.sendall(b"x")
            time.sleep(0.05)

    return answer


def test_a_port_that_listens_accepts() -> None:
    with serving(replying(b"")) as port:
        assert SocketProber().accepts("127.0.0.1", port)


def test_a_port_that_nobody_listens_on_does_not_accept() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not SocketProber().accepts("127.0.0.1", taken.getsockname()[1])


def test_a_request_says_which_host_and_scheme_it_stands_for() -> None:
    seen: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with serving(answer) as port:
        told = SocketProber("https").get("127.0.0.1", port, "/healthz?full=1", "blog.example.com", 30)
    assert (told.status, told.body) == (200, "ok")
    lines = seen[0].decode().splitlines()
    assert lines[0] == "GET /healthz?full=1 HTTP/1.1"
    assert {"Host: blog.example.com", "X-Forwarded-Proto: https", "User-Agent: paas-health"} <= set(lines)
    assert sum(line.lower().startswith("host:") for line in lines) == 1


def test_a_redirect_is_told_and_not_followed() -> None:
    text = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n"
    with serving(replying(text)) as port:
        told = SocketProber().get("127.0.0.1", port, "/", "blog", 30)
    assert (told.status, told.location) == (302, "https://elsewhere/")


def test_a_failure_shows_the_start_of_its_body() -> None:
    body = b"Traceback \xff" + b"y" * 200_000
    with serving(replying(b"HTTP/1.1 500 Oops\r\n\r\n" + body)) as port:
        told = SocketProber().get("127.0.0.1", port, "/", "blog", 30)
    assert told.status == 500
    assert told.body.startswith("Traceback \ufffdyyy")
    assert len(told.body) == BODY_LIMIT


def test_an_endless_body_is_cut_at_the_deadline() -> None:
    with serving(dripping(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        began = time.monotonic()
        told = SocketProber().get("127.0.0.1", port, "/events", "blog", 0.4)
        assert time.monotonic() - began < 30
    assert told.status == 200
    assert told.body.startswith("x")


@pytest.mark.parametrize(
    "answer",
    [
        replying(b""),  # hangs up
        replying(b"SSH-2.0-OpenSSH_9.2\r\n"),  # not HTTP
        replying(b"HTTP/1.1 abc\r\n\r\n"),
        replying(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n"),  # more headers than anyone needs
        dripping(b"HTTP/1.1 200 OK\r\nX-Never-Ends: "),
        lambda connection: time.sleep(0.6),  # silence
    ],
)
def test_what_does_not_answer_in_time_or_in_http_is_a_connection_error(answer: Callable[[socket.socket], None]) -> None:
    with serving(answer) as port:
        began = time.monotonic()
        with pytest.raises(ConnectionError, match=str(port)):
            SocketProber().get("127.0.0.1", port, "/", "blog", 0.4)
        assert time.monotonic() - began < 30


def test_a_refused_connection_is_a_connection_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionError):
            SocketProber().get("127.0.0.1", taken.getsockname()[1], "/", "blog", 1)
