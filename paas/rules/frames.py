"""How do doors and worker talk over the worker's socket? In frames: type byte, four length bytes (big-endian), payload.

A connection opens with one frame, or with the wake-up, which is a single byte and nothing else: `!` wakes, `?` asks a
question (JSON `{question, words}`), `>` spends a ticket. `?` and `>` are answered by one frame: `=` (JSON) or `x` (JSON
`{code, message, hint, exit_code, http_status}`). After `=` to a ticket both sides send the console's frames.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

WAKE = b"!"
ASK = b"?"
TICKET = b">"
ANSWER = b"="
REFUSAL = b"x"

STDIN = b"i"
STDIN_END = b"e"
RESIZE = b"s"  # columns and rows, two big-endian 16-bit numbers
STDOUT = b"o"
STDERR = b"r"
EXIT = b"c"  # exit code, big-endian 32 bits

LONGEST_FRAME = 16_000_000

_LENGTH = struct.Struct(">I")
_SIZE = struct.Struct(">HH")
_CODE = struct.Struct(">i")


class BrokenFrameError(ConnectionError):
    """The other side closed in the middle of a frame, or does not speak this protocol."""


@dataclass(frozen=True)
class Frame:
    kind: bytes
    payload: bytes = b""


def pack(kind: bytes, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return kind + _LENGTH.pack(len(payload)) + payload


def pack_size(columns: int, rows: int) -> bytes:
    """The bytes of a RESIZE frame; sizes outside of 1..65535 are brought inside."""
    return pack(RESIZE, _SIZE.pack(min(max(columns, 1), 65535), min(max(rows, 1), 65535)))


def unpack_size(payload: bytes) -> tuple[int, int]:
    """(columns, rows). Raises BrokenFrameError."""
    if len(payload) != _SIZE.size:
        raise BrokenFrameError("a terminal's size has four bytes")
    columns, rows = _SIZE.unpack(payload)
    return columns, rows


def pack_exit(code: int) -> bytes:
    """The bytes of an EXIT frame."""
    return pack(EXIT, _CODE.pack(code))


def unpack_exit(payload: bytes) -> int:
    """The exit code. Raises BrokenFrameError."""
    if len(payload) != _CODE.size:
        raise BrokenFrameError("an exit code has four bytes")
    return int(_CODE.unpack(payload)[0])


def read_frame(receive: Callable[[int], bytes], kind: bytes = b"", limit: int = LONGEST_FRAME) -> Frame | None:
    """The next frame, None when the other side has closed. `receive(n)` gives 1 to n bytes, b"" at the end.

    `kind`: the type byte, when the caller has read it already. Raises BrokenFrameError.
    """
    kind = kind or receive(1)
    if not kind:
        return None
    length = _LENGTH.unpack(_exactly(receive, _LENGTH.size))[0]
    if length > limit:
        raise BrokenFrameError(f"a frame of {length} bytes is too long")
    return Frame(kind, _exactly(receive, length))


def _exactly(receive: Callable[[int], bytes], count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = receive(min(count, 65536))
        if not part:
            raise BrokenFrameError("closed in the middle of a frame")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
