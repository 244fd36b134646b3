"""How does a command speak to the client? An SSH channel as the console's Terminal (commands/console.py)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import paramiko

from paas.errors import BadInputError
from paas.ports import ConsoleLine
from paas.rules.colour import has_colours, paint
from paas.ssh.connection import SessionRequest

CHUNK = 65_536
LONGEST_LINE = 4_096
INTERRUPT, END_OF_INPUT = "\x03", "\x04"
BACKSPACES = ("\x7f", "\b")
GONE = (OSError, EOFError, paramiko.SSHException)  # what paramiko raises for a connection that is no more


class ChannelTerminal:
    """Writes to a client that has left go nowhere: a command ends as it would have ended."""

    def __init__(self, request: SessionRequest) -> None:
        self._channel = request.channel
        self._line: ConsoleLine | None = None
        self.is_tty = request.is_tty
        self.colours = request.is_tty and has_colours(request.term)
        self.columns, self.rows = request.columns, request.rows
        self.sent = 0
        request.resized = self._resize

    def write(self, text: str) -> None:
        self.send(self._for_client(text), self._channel.sendall)

    def write_error(self, text: str) -> None:
        self.send(self._for_client(text), self._channel.sendall_stderr)

    def send(self, data: bytes, send: Callable[[bytes], None]) -> bool:
        """False when the client has left."""
        try:
            send(data)
        except GONE:
            return False
        self.sent += len(data)
        return True

    def is_gone(self) -> bool:
        return bool(self._channel.closed)

    def read_line(self) -> str | None:
        """With a pty the client's own terminal is raw: we echo, and understand backspace, Ctrl-C and Ctrl-D."""
        line = ""
        while len(line) < LONGEST_LINE:
            data = self._channel.recv(1)
            character = data.decode("utf-8", "replace")
            if not data or (self.is_tty and character in (INTERRUPT, END_OF_INPUT)):
                return line or None if not data else None
            if character in "\r\n":
                if self.is_tty:
                    self.write("\n")
                return line
            if self.is_tty and character in BACKSPACES:
                line, echo = line[:-1], "\b \b" if line else ""
            else:
                line, echo = line + character, character
            if self.is_tty:
                self.write(echo)
        return None

    def read_all(self, limit: int) -> str:
        """Raises BadInputError for more than `limit` bytes and for what is not UTF-8."""
        text = b""
        while data := self._channel.recv(CHUNK):
            text += data
            if len(text) > limit:
                raise BadInputError(f"More than {limit:,} bytes were sent", code="too-large")
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            raise BadInputError("What was sent is not UTF-8 text", code="encoding") from None

    def bridge(self, line: ConsoleLine) -> int:
        """Connect the client with a container until either ends. Raises ConnectionError when the worker is lost."""
        self._line = line
        threading.Thread(target=self._feed, args=(line,), name="ssh-stdin", daemon=True).start()
        try:
            for stream, data in line.frames():
                send = self._channel.sendall_stderr if stream == "stderr" else self._channel.sendall
                if not self.send(data, send):
                    break
            return 0 if self.is_gone() else line.exit_code()
        finally:
            self._line = None
            line.close()

    def _resize(self, columns: int, rows: int) -> None:
        """In the transport's thread."""
        self.columns, self.rows = columns, rows
        if (line := self._line) is not None:
            with contextlib.suppress(OSError):
                line.resize(columns, rows)

    def _feed(self, line: ConsoleLine) -> None:
        """From the client to the container; when the client has left, the container is hung up."""
        with contextlib.suppress(*GONE):
            while data := self._channel.recv(CHUNK):
                line.send(data)
            if not self._channel.closed:
                line.send_eof()
                self._channel.status_event.wait()  # set when the channel closes
            line.close()

    def _for_client(self, text: str) -> bytes:
        text = paint(text) if self.colours else text
        return (text.replace("\n", "\r\n") if self.is_tty else text).encode("utf-8", "replace")
