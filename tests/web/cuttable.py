"""A line between a browser and the dashboard that can be cut: what an unplugged cable, or a proxy's restart, does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttableLine:
    """Passes on what comes to `port`. `cut` closes all connections; later ones are passed on again."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        while self._ends:
            with suppress(OSError):
                self._ends.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for here, there in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(here, there), daemon=True).start()


def _pass_on(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while data := here.recv(65_536):
            there.sendall(data)
    with suppress(OSError):
        there.shutdown(socket.SHUT_WR)


@contextmanager
def cuttable(target: int) -> Iterator[CuttableLine]:
    """A line to this port of 127.0.0.1."""
    line = CuttableLine(target)
    try:
        yield line
    finally:
        line.close()
