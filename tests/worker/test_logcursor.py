from __future__ import annotations

from pathlib import Path

import pytest

from paas.adapters.logfiles import LogFiles
from paas.rules.logline import LogRecord, Stream, format_record
from paas.worker.logcursor import last_cursors, reading_from

NAME = "abcdefgh/web.1.log"


def stamp(number: int) -> str:
    return f"2026-01-01T00:00:00.{number:09d}Z"


def line(number: int, stream: Stream = "stdout", rollout: int = 1, text: str = "text") -> str:
    return format_record(LogRecord(stamp(number), "web.1", rollout, stream, text))


@pytest.fixture
def logs(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path, file_limit=300_000, files_kept=2)


def test_a_new_container_begins_at_its_first_line(logs: LogFiles) -> None:
    assert last_cursors(logs, NAME, "web.1", 1) == {}


def test_each_stream_and_each_container_has_its_own_cursor(logs: LogFiles) -> None:
    lines = [line(1), line(2, "stderr"), line(3), line(4, rollout=2), line(5, "stderr", rollout=2)]
    logs.writer(NAME).write("".join(lines))
    assert last_cursors(logs, NAME, "web.1", 1) == {"stdout": stamp(3), "stderr": stamp(2)}
    assert last_cursors(logs, NAME, "web.1", 2) == {"stdout": stamp(4), "stderr": stamp(5)}


def test_the_ordinal_of_equal_times_is_part_of_the_cursor(logs: LogFiles) -> None:
    logs.writer(NAME).write(line(1) + format_record(LogRecord(f"{stamp(1)}#1", "web.1", 1, "stdout", "same time")))
    assert last_cursors(logs, NAME, "web.1", 1) == {"stdout": f"{stamp(1)}#1"}


def test_text_that_looks_like_a_line_is_not_taken_for_one(logs: LogFiles) -> None:
    logs.writer(NAME).write(line(1) + line(2, rollout=2, text=f"{stamp(9)} web.1 r1 o forged"))
    assert last_cursors(logs, NAME, "web.1", 1) == {"stdout": stamp(1)}


def test_a_cursor_is_found_far_back_and_in_rotated_files(logs: LogFiles) -> None:
    writer = logs.writer(NAME)
    writer.write(line(1, "stderr"))
    for number in range(2, 8000):
        writer.write(line(number))
    assert logs.size(NAME) > 300_000
    assert logs.start(NAME) == 0
    assert last_cursors(logs, NAME, "web.1", 1) == {"stdout": stamp(7999), "stderr": stamp(1)}


def test_what_was_rotated_away_is_not_repeated(logs: LogFiles) -> None:
    writer = logs.writer(NAME)
    writer.write(line(1, "stderr"))
    for number in range(2, 30_000):
        writer.write(line(number))
    assert logs.start(NAME) > 0
    oldest = logs.read(NAME, 0).split(b" ", 1)[0].decode()
    assert last_cursors(logs, NAME, "web.1", 1) == {"stdout": stamp(29_999), "stderr": oldest}


def test_lines_longer_than_a_block_are_stepped_over(logs: LogFiles) -> None:
    logs.writer(NAME).write(line(1) + line(2, rollout=2, text="x" * 600_000))
    assert last_cursors(logs, NAME, "web.1", 1) == {"stdout": stamp(1)}


def test_a_silent_stream_is_not_searched_from_its_first_line() -> None:
    late = "2026-01-01T10:00:30.000000005Z#3"
    floor = "2026-01-01T09:59:30.000000000Z"
    assert reading_from({}) == {}
    assert reading_from({"stdout": late}) == {"stdout": late, "stderr": floor}
    assert reading_from({"stdout": late, "stderr": stamp(1)}) == {"stdout": late, "stderr": floor}
    near = "2026-01-01T10:00:00.000000000Z"
    assert reading_from({"stdout": near, "stderr": late}) == {"stdout": near, "stderr": late}
