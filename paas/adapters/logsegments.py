"""Which bytes does a log hold, in which of its files? Reads a log that is rotated while it is read.

`web.1.log` is the current file; what was rotated lies in `web.1.log.d/`, files named by the offset of their first byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 65536


@dataclass(frozen=True)
class Segment:
    path: Path
    start: int  # offset of its first byte
    size: int
    inode: int

    @property
    def end(self) -> int:
        return self.start + self.size


def rotated_folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.d")


def segments(path: Path) -> list[Segment]:
    """Rotated files and the current one, oldest first. Looks again when a rotation came in between."""
    while True:
        current = _stat(path)
        found: list[Segment] = []
        try:
            names = sorted(entry.name for entry in rotated_folder(path).iterdir())
        except FileNotFoundError:
            names = []
        for name in names:
            rotated = rotated_folder(path) / name
            facts = _stat(rotated)
            if facts:
                found.append(Segment(rotated, int(name), facts.st_size, facts.st_ino))
        again = _stat(path)
        if (current and current.st_ino) != (again and again.st_ino):
            continue
        if again:
            found.append(Segment(path, found[-1].end if found else 0, again.st_size, again.st_ino))
        return found


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def read_at(path: Path, offset: int, limit: int) -> tuple[int, bytes]:
    """(offset of its first byte, bytes): whole lines only, unless one is longer than `limit`.

    What was rotated away is skipped.
    """
    while True:
        segment = next((one for one in segments(path) if one.end > offset), None)
        if segment is None:
            return offset, b""
        begin = max(offset, segment.start)
        chunk = _read_segment(segment, begin - segment.start, limit)
        if chunk is None:
            continue  # rotated or dropped since it was listed
        newline = chunk.rfind(b"\n")
        if newline >= 0:
            return begin, chunk[: newline + 1]
        return begin, chunk if len(chunk) == limit else b""


def _read_segment(segment: Segment, position: int, limit: int) -> bytes | None:
    try:
        with segment.path.open("rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_ino != segment.inode:
                return None
            return os.pread(file.fileno(), limit, position)
    except FileNotFoundError:
        return None


def blocks_backwards(path: Path) -> Iterator[bytes]:
    for segment in reversed(segments(path)):
        end = segment.size
        while end > 0:
            begin = max(0, end - BLOCK)
            block = _read_segment(segment, begin, end - begin)
            if block is None:
                return
            yield block
            end = begin
