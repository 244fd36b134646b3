"""How is one line of a process log written? `<cursor> <type>.<copy> r<rollout> <o|e|p> text`.

The cursor is Docker's RFC 3339 time with nanoseconds, with `#n` behind it when n earlier lines of that stream carry the
same time. So the line itself says where to go on after it: line and cursor are written together or not at all.
Streams: o stdout, e stderr, p the platform's own remarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stream = Literal["stdout", "stderr", "platform"]

_LETTERS: dict[Stream, str] = {"stdout": "o", "stderr": "e", "platform": "p"}
_STREAMS: dict[str, Stream] = {letter: stream for stream, letter in _LETTERS.items()}


@dataclass(frozen=True)
class LogRecord:
    cursor: str
    process: str  # "web.1"
    rollout: int
    stream: Stream
    text: str

    @property
    def timestamp(self) -> str:
        """RFC 3339, UTC, as Docker gave it."""
        return self.cursor.partition("#")[0]


def mark_of(process: str, rollout: int, stream: Stream) -> str:
    """What stands between cursor and text; the same for all lines of one stream of one container."""
    return f" {process} r{rollout} {_LETTERS[stream]} "


def format_record(record: LogRecord) -> str:
    """The line, with its newline. Newlines inside the text become spaces."""
    text = record.text.replace("\n", " ")
    return f"{record.cursor}{mark_of(record.process, record.rollout, record.stream)}{text}\n"


def parse_record(line: str) -> LogRecord | None:
    """None for what is no such line."""
    parts = line.rstrip("\n").split(" ", 4)
    if len(parts) != 5:
        return None
    cursor, process, rollout, letter, text = parts
    number = rollout[1:]
    if letter not in _STREAMS or rollout[:1] != "r" or not (number.isascii() and number.isdigit()):
        return None
    return LogRecord(cursor, process, int(number), _STREAMS[letter], text)
