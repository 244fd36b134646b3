"""How does a person reach into a container? A ticket is spent, a terminal opened, and bytes are carried both ways."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
from collections.abc import Callable

import structlog

from paas.context import WorkerPlatform
from paas.errors import BadInputError, NotFoundError
from paas.model import App, Ticket
from paas.model.ticket import spend_ticket
from paas.ports import Terminal
from paas.rules import frames
from paas.rules.jobs import ConsoleOrder
from paas.worker.threads import start_thread

OpenTerminal = Callable[[WorkerPlatform, App, ConsoleOrder], Terminal]

log = structlog.get_logger(__name__)


class Consoles:
    """Interactive sessions. `open_terminal` makes a one-off or enters a copy (flows/oneoff.py)."""

    def __init__(self, on: WorkerPlatform, open_terminal: OpenTerminal) -> None:
        self._on = on
        self._open_terminal = open_terminal
        # By this worker: until then, one-offs that nobody watches can only be the last worker's.
        self.have_been_opened = False

    def bridge(self, line: socket.socket, secret: str) -> None:
        """Serve one session on this connection until either side ends. Raises PaasError before it has begun."""
        app, order, ticket = self._spend(secret)
        self.have_been_opened = True
        terminal = self._open_terminal(self._on, app, order)
        log.info("console", app=app.name, kind=order.kind, by=ticket.created_by)
        try:
            line.settimeout(None)
            line.sendall(frames.pack(frames.ANSWER, json.dumps({"app": app.name}).encode()))
            if order.tty:
                terminal.resize(order.columns, order.rows)
            start_thread(lambda: _listen(line, terminal), "console stdin")
            _speak(line, terminal)
        finally:
            terminal.close()
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # ends `_listen`; what was sent is still read

    def _spend(self, secret: str) -> tuple[App, ConsoleOrder, Ticket]:
        with self._on.database.write() as session:
            ticket = spend_ticket(session, hashlib.sha256(secret.encode()).hexdigest(), self._on.clock.now())
            app = session.get(App, ticket.app_id) if ticket else None
        if ticket is None or app is None:
            raise NotFoundError("This session's ticket is unknown, spent or too old", "try again", code="ticket")
        try:
            order = ConsoleOrder.model_validate(ticket.payload)
        except ValueError:
            raise BadInputError("This session's ticket is broken", code="ticket") from None
        return app, order, ticket


def _listen(line: socket.socket, terminal: Terminal) -> None:
    """From the person to the process; a person who is gone takes the process with them."""
    with contextlib.suppress(OSError):
        while frame := frames.read_frame(line.recv):
            if frame.kind == frames.STDIN:
                terminal.send(frame.payload)
            elif frame.kind == frames.STDIN_END:
                terminal.send_eof()
            elif frame.kind == frames.RESIZE:
                terminal.resize(*frames.unpack_size(frame.payload))
    terminal.close()


def _speak(line: socket.socket, terminal: Terminal) -> None:
    """From the process to the person, and at last its exit code."""
    with contextlib.suppress(OSError):  # the person is gone: `_listen` knows it too
        for stream, chunk in terminal.frames():
            line.sendall(frames.pack(frames.STDOUT if stream == "stdout" else frames.STDERR, chunk))
        line.sendall(frames.pack_exit(terminal.exit_code()))
