"""How do Docker's bytes become lines? Frames of two streams, pieces of long lines, timestamps in front.

https://docs.docker.com/engine/api/v1.41/#operation/ContainerAttach (stream format). Lines longer than 16 kB come in
pieces that share one timestamp: they are joined again up to LONGEST_LINE; a longer one is passed on in several lines
that are told apart by their ordinal.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Literal

from paas.ports import LogLine

StreamName = Literal["stdout", "stderr"]
Frame = tuple[StreamName, bytes]

LONGEST_LINE = 1_000_000
STREAMS: dict[int, StreamName] = {1: "stdout", 2: "stderr"}


def demultiplex(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """One byte stream number, three of nothing, four of length, then the payload."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        at = 0
        while len(buffer) - at >= 8:
            number, length = struct.unpack_from(">BxxxL", buffer, at)
            if len(buffer) - at < 8 + length:
                break
            yield STREAMS.get(number, "stdout"), bytes(buffer[at + 8 : at + 8 + length])
            at += 8 + length
        del buffer[:at]


def split_terminal(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """A terminal's log is not framed, but each line has its timestamp."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield "stdout", line.removesuffix(b"\r") + b"\n"
    if rest:
        yield "stdout", rest


def join_pieces(frames: Iterable[Frame], *, has_ended: bool) -> Iterator[LogLine]:
    """Whole lines of each stream, with the ordinal of those that share a timestamp.

    has_ended: the container will print nothing more, so a line without its newline is whole; else it is left for the
    next reading, which gets all of it.
    """
    pieces: dict[StreamName, bytes] = {}
    stamps: dict[StreamName, str] = {}
    ordinals: dict[StreamName, int] = {}

    def finish(stream: StreamName) -> LogLine:
        text = pieces.pop(stream).decode("utf-8", "replace").removesuffix("\n")
        return LogLine(stream, stamps[stream], text, ordinals[stream])

    for stream, payload in frames:
        head, _, piece = payload.partition(b" ")
        stamp = head.decode("ascii", "replace")
        if stream in pieces and (stamp != stamps[stream] or len(pieces[stream]) > LONGEST_LINE):
            yield finish(stream)
        if stream not in pieces:
            ordinals[stream] = ordinals[stream] + 1 if stamp == stamps.get(stream) else 0
            stamps[stream] = stamp
            pieces[stream] = b""
        pieces[stream] += piece
        if piece.endswith(b"\n"):
            yield finish(stream)
    if has_ended:
        for stream in list(pieces):
            yield finish(stream)
