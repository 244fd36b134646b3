"""Does a process answer? Asked from the host, so that nothing is needed inside the image."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from threading import Event, Timer

from paas.ports import HttpAnswer

BODY_LIMIT = 65536
USER_AGENT = "paas-health"


class SocketProber:
    """ports.Prober by TCP and the standard library's HTTP client. `forwarded_proto`: what nginx would say."""

    def __init__(self, forwarded_proto: str = "http") -> None:
        self._forwarded_proto = forwarded_proto

    def accepts(self, address: str, port: int, timeout: float = 1.0) -> bool:
        try:
            with socket.create_connection((address, port), timeout):
                return True
        except OSError:
            return False

    def get(self, address: str, port: int, path: str, host: str, timeout: float) -> HttpAnswer:
        connection = http.client.HTTPConnection(address, port, timeout=timeout)
        headers = {
            "Host": host,
            "User-Agent": USER_AGENT,
            "X-Forwarded-Proto": self._forwarded_proto,
            "Accept": "*/*",
            "Connection": "close",
        }
        try:
            connection.connect()
            with _deadline(connection.sock, timeout) as is_over:
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                if is_over.is_set():  # what looks like the end of the headers is where we hung up
                    raise TimeoutError(f"nothing whole within {timeout:g} s")
                return HttpAnswer(answer.status, _start_of_body(answer), answer.headers.get("Location", ""))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ConnectionError(f"{address}:{port} did not answer: {error or type(error).__name__}") from error
        finally:
            connection.close()


@contextlib.contextmanager
def _deadline(connection: socket.socket, seconds: float) -> Iterator[Event]:
    """Hang up after `seconds` in all: a socket's own time-out begins anew with each byte that drips in."""
    over = Event()

    def hang_up() -> None:
        over.set()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def _start_of_body(answer: http.client.HTTPResponse) -> str:
    """What came of it, at most 64 kB: an endless body (server-sent events) is cut by the deadline."""
    body = b""
    with contextlib.suppress(OSError, http.client.HTTPException):
        while len(body) < BODY_LIMIT and (piece := answer.read1(BODY_LIMIT - len(body))):
            body += piece
    return body.decode("utf-8", "replace")
