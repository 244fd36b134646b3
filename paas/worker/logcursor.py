"""Where did a container's log stop? Found in the last lines of the log itself: they carry the cursors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from paas.ports import Logs
from paas.rules.logline import LogRecord, Stream, mark_of, parse_record

BLOCK = 256 * 1024
SKEW = timedelta(seconds=60)  # across streams timestamps are out of order, but by far less than this
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")


def last_cursors(logs: Logs, name: str, process: str, rollout: int) -> dict[str, str]:
    """The cursor of each stream of one container; a stream without one begins at the container's first line.

    Where older lines were rotated away, a stream that is not found goes on from the oldest line kept: what it printed
    before that had been written, and would be a repetition.
    """
    found: dict[str, str] = {}
    for block in _blocks_backwards(logs, name):
        for stream in STREAMS:
            if stream not in found and (record := _last_of(block, process, rollout, stream)):
                found[stream] = record.cursor
        if len(found) == len(STREAMS):
            return found
    if logs.start(name) > 0 and (oldest := _oldest(logs, name)):
        for stream in STREAMS:
            found.setdefault(stream, oldest.timestamp)
    return found


def reading_from(cursors: Mapping[str, str]) -> dict[str, str]:
    """Where to read on: a stream that has long been silent need not be searched from its last line.

    All lines before the newest cursor have been read, whatever their stream; Docker and we are spared the rest.
    """
    if not cursors:
        return {}
    newest = datetime.fromisoformat(max(cursors.values()).partition("#")[0])
    floor = f"{newest - SKEW:%Y-%m-%dT%H:%M:%S}.000000000Z"
    return {stream: max(cursors.get(stream, floor), floor) for stream in STREAMS}


def _last_of(block: bytes, process: str, rollout: int, stream: Stream) -> LogRecord | None:
    mark = mark_of(process, rollout, stream).encode()
    at = len(block)
    while (at := block.rfind(mark, 0, at)) >= 0:
        begin = block.rfind(b"\n", 0, at) + 1
        end = block.find(b"\n", at)
        record = parse_record(block[begin:end].decode("utf-8", "replace"))
        if record and (record.process, record.rollout, record.stream) == (process, rollout, stream):
            return record
        at = begin  # the mark was part of some other line's text
    return None


def _blocks_backwards(logs: Logs, name: str) -> Iterator[bytes]:
    """Blocks of whole lines, the newest first."""
    start, end, length = logs.start(name), logs.size(name), BLOCK
    while end > start:
        begin = max(start, end - length)
        block = _read_exactly(logs, name, begin, end)
        if begin > start:
            half = block.find(b"\n") + 1  # the line that begins before this block belongs to the next one
            if half == len(block):
                length *= 2
                continue
            block, begin, length = block[half:], begin + half, BLOCK
        yield block
        end = begin


def _read_exactly(logs: Logs, name: str, begin: int, end: int) -> bytes:
    parts: list[bytes] = []
    while begin < end and (part := logs.read(name, begin, end - begin)):
        parts.append(part)
        begin += len(part)
    return b"".join(parts)


def _oldest(logs: Logs, name: str) -> LogRecord | None:
    first, _, _ = logs.read(name, logs.start(name)).partition(b"\n")
    return parse_record(first.decode("utf-8", "replace"))
