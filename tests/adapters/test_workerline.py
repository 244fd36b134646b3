"""The line without a worker; with one: tests/worker/test_line.py and test_console.py."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from paas.adapters.workerline import SocketWorkerLine
from paas.errors import PaasError, UnavailableError
from tests.waiting import PATIENCE


def test_a_ring_never_raises(tmp_path: Path) -> None:
    SocketWorkerLine(tmp_path / "nothing.sock").ring()


def test_nobody_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        SocketWorkerLine(tmp_path / "nothing.sock").ask("state")
    with pytest.raises(UnavailableError):
        SocketWorkerLine(tmp_path / "nothing.sock").open_console("x")


def test_a_worker_that_dies_in_the_middle_is_told_from_an_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "worker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def die_early() -> None:
            peer, _ = listener.accept()
            peer.recv(1000)
            peer.sendall(b"=\0\0\0\2{}")
            peer.close()

        threading.Thread(target=die_early).start()
        console = SocketWorkerLine(path).open_console("x")
        assert list(console.frames()) == []
        with pytest.raises(PaasError) as refusal:
            console.exit_code()
        assert refusal.value.code == "session-lost"
        console.close()


def test_another_user_who_took_the_name_is_not_spoken_to(tmp_path: Path) -> None:
    """Attack: a taken-over web process binds run/worker.sock while the worker is down, to be handed tickets."""
    path = tmp_path / "worker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        os.seteuid(65534)  # credentials are those of the moment of listen(2)
        try:
            listener.listen()
        finally:
            os.seteuid(0)
        with pytest.raises(UnavailableError):
            SocketWorkerLine(path).open_console("ticket")
        listener.settimeout(PATIENCE)
        peer, _ = listener.accept()
        assert peer.recv(1000) == b""
        peer.close()
