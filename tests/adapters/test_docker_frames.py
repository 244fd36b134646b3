"""Docker's bytes, however they are cut, give the same lines."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from paas.adapters.docker_frames import LONGEST_LINE, demultiplex, join_pieces, split_terminal

T1, T2 = "2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:00.000000002Z"
Frames = list[tuple[str, bytes]]


def framed(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def texts(frames: Frames, *, has_ended: bool = True) -> list[tuple[str, str, int, str]]:
    lines = join_pieces(frames, has_ended=has_ended)  # type: ignore[arg-type]
    return [(line.stream, line.timestamp, line.ordinal, line.text) for line in lines]


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 1000])
def test_frames_are_the_same_wherever_the_connection_cuts_them(size: int) -> None:
    data = framed(1, b"out") + framed(2, b"") + framed(2, b"err" * 20) + framed(1, b"\x01\x00\x00\x00")
    assert list(demultiplex(cut(data, size))) == [
        ("stdout", b"out"), ("stderr", b""), ("stderr", b"err" * 20), ("stdout", b"\x01\x00\x00\x00"),
    ]  # fmt: skip


def test_half_a_frame_at_the_end_is_left_out() -> None:
    assert list(demultiplex([framed(1, b"whole"), framed(1, b"cut off")[:-1]])) == [("stdout", b"whole")]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_terminals_lines_lose_their_carriage_return(size: int) -> None:
    data = f"{T1} one\r\n{T2} two".encode()
    assert list(split_terminal(cut(data, size))) == [
        ("stdout", f"{T1} one\n".encode()), ("stdout", f"{T2} two".encode()),
    ]  # fmt: skip


def test_pieces_with_one_timestamp_are_one_line() -> None:
    frames: Frames = [
        ("stdout", f"{T1} aaa".encode()),
        ("stderr", f"{T2} error\n".encode()),
        ("stdout", f"{T1} bbb\n".encode()),
    ]
    assert texts(frames) == [("stderr", T2, 0, "error"), ("stdout", T1, 0, "aaabbb")]


def test_lines_with_one_timestamp_are_told_apart_by_their_ordinal() -> None:
    frames: Frames = [("stdout", f"{T1} {text}\n".encode()) for text in "abc"] + [("stdout", f"{T2} d\n".encode())]
    assert texts(frames) == [
        ("stdout", T1, 0, "a"),
        ("stdout", T1, 1, "b"),
        ("stdout", T1, 2, "c"),
        ("stdout", T2, 0, "d"),
    ]
    cursors = [line.cursor for line in join_pieces(frames, has_ended=True)]  # type: ignore[arg-type]
    assert cursors == [T1, f"{T1}#1", f"{T1}#2", T2]


def test_a_line_without_its_end_is_left_for_the_next_reading_unless_the_container_has_ended() -> None:
    frames: Frames = [("stdout", f"{T1} whole\n".encode()), ("stdout", f"{T2} half".encode())]
    assert texts(frames, has_ended=False) == [("stdout", T1, 0, "whole")]
    assert texts(frames, has_ended=True) == [("stdout", T1, 0, "whole"), ("stdout", T2, 0, "half")]


def test_a_line_that_never_ends_is_passed_on_in_parts_without_loss() -> None:
    piece = b"x" * 16384
    number = 2 * LONGEST_LINE // len(piece)
    lines = texts([("stdout", f"{T1} ".encode() + piece)] * number)
    assert len(lines) > 1
    assert [ordinal for _, _, ordinal, _ in lines] == list(range(len(lines)))
    assert sum(len(text) for _, _, _, text in lines) == number * len(piece)


def test_empty_lines_and_foreign_bytes_are_kept() -> None:
    frames: Frames = [("stdout", f"{T1} \n".encode()), ("stdout", f"{T2} ".encode() + b"\xff\xfe ok\n")]
    assert [text for _, _, _, text in texts(frames)] == ["", "\ufffd\ufffd ok"]
