"""How does a command speak to root's own terminal? The local counterpart of an SSH channel."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from typing import IO

from paas.errors import BadInputError
from paas.ports import ConsoleLine
from paas.rules.colour import has_colours, paint

CHUNK = 65536


class LocalTerminal:
    """Implements paas.commands.console.Terminal on this process's stdin, stdout and stderr."""

    def __init__(self) -> None:
        self.is_tty = sys.stdin.isatty() and sys.stdout.isatty()
        self.colours = has_colours(os.environ.get("TERM", ""), os.environ.get("NO_COLOR", ""))
        size = shutil.get_terminal_size()
        self.columns, self.rows = size.columns, size.lines

    def write(self, text: str) -> None:
        sys.stdout.write(self._painted(text, sys.stdout))
        sys.stdout.flush()

    def write_error(self, text: str) -> None:
        sys.stderr.write(self._painted(text, sys.stderr))
        sys.stderr.flush()

    def _painted(self, text: str, stream: IO[str]) -> str:
        return paint(text) if self.colours and stream.isatty() else text

    def read_line(self) -> str | None:
        return sys.stdin.readline() or None

    def read_all(self, limit: int) -> str:
        text = sys.stdin.buffer.read(limit + 1)
        if len(text) > limit:
            raise BadInputError(f"At most {limit:,} bytes are read from stdin", code="stdin-size")
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            raise BadInputError("What stdin holds is not UTF-8 text", code="encoding") from None

    def is_gone(self) -> bool:
        return False

    def bridge(self, line: ConsoleLine) -> int:
        """Pass stdin on and print what comes until the process in the container ends."""
        over = threading.Event()
        with _raw(self.is_tty), _resizing(self.is_tty, line):
            threading.Thread(target=_pass_stdin, args=(line, over), daemon=True).start()
            for stream, data in line.frames():
                target = sys.stdout if stream == "stdout" else sys.stderr
                target.buffer.write(data)
                target.flush()
        over.set()
        line.close()
        return line.exit_code()


def _pass_stdin(line: ConsoleLine, over: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while not over.is_set():
            if not select.select([sys.stdin], [], [], 0.2)[0]:
                continue
            data = os.read(sys.stdin.fileno(), CHUNK)
            if not data:
                line.send_eof()
                return
            line.send(data)


@contextlib.contextmanager
def _raw(is_tty: bool) -> Iterator[None]:
    """Keys go to the container as they are typed, Ctrl-C included."""
    if not is_tty:
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resizing(is_tty: bool, line: ConsoleLine) -> Iterator[None]:
    if not is_tty:
        yield
        return

    def resized(_signal: int, _frame: object) -> None:
        size = shutil.get_terminal_size()
        line.resize(size.columns, size.lines)

    before = signal.signal(signal.SIGWINCH, resized)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
