from __future__ import annotations

import io

import pytest

from paas.rules import frames


def read_all(raw: bytes, at_once: int = 3) -> list[frames.Frame]:
    source = io.BytesIO(raw)
    found: list[frames.Frame] = []
    while frame := frames.read_frame(lambda count: source.read(min(count, at_once))):
        found.append(frame)
    return found


def test_frames_come_out_as_they_went_in() -> None:
    sent = [
        frames.Frame(frames.STDIN, b"hello"),
        frames.Frame(frames.STDIN_END),
        frames.Frame(frames.STDOUT, b"\0" * 9),
    ]
    assert read_all(b"".join(frames.pack(one.kind, one.payload) for one in sent)) == sent


@pytest.mark.parametrize("raw", [b"i\0", b"i\0\0\0\5abc", b"i\xff\xff\xff\xff"])
def test_a_broken_frame_is_told(raw: bytes) -> None:
    with pytest.raises(frames.BrokenFrameError):
        read_all(raw)


@pytest.mark.parametrize(("asked", "given"), [((80, 24), (80, 24)), ((0, -1), (1, 1)), ((99999, 1), (65535, 1))])
def test_sizes_are_kept_inside_what_a_terminal_has(asked: tuple[int, int], given: tuple[int, int]) -> None:
    assert frames.unpack_size(read_all(frames.pack_size(*asked))[0].payload) == given


@pytest.mark.parametrize("code", [0, 1, 137, 255, -9])
def test_exit_codes_travel(code: int) -> None:
    assert frames.unpack_exit(read_all(frames.pack_exit(code))[0].payload) == code
