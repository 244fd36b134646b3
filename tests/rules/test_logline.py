from __future__ import annotations

import pytest

from paas.rules.logline import LogRecord, format_record, mark_of, parse_record

RECORD = LogRecord("2026-01-02T03:04:05.000000006Z#2", "web.1", 7, "stderr", "hello  world ")


def test_a_record_is_written_in_one_fixed_form() -> None:
    assert format_record(RECORD) == "2026-01-02T03:04:05.000000006Z#2 web.1 r7 e hello  world \n"


@pytest.mark.parametrize("text", ["", " ", "  leading", "web.1 r7 e looks like one", "Ünïcode ☃", "tab\there\r"])
def test_what_is_written_is_read_again(text: str) -> None:
    record = LogRecord(RECORD.cursor, "worker-2.11", 123, "stdout", text)
    assert parse_record(format_record(record)) == record


def test_the_timestamp_is_the_cursor_without_its_ordinal() -> None:
    assert RECORD.timestamp == "2026-01-02T03:04:05.000000006Z"


def test_a_newline_cannot_forge_a_line() -> None:
    forged = LogRecord(RECORD.cursor, "web.1", 7, "stdout", "a\n2026-01-02T03:04:05Z web.1 r7 o b")
    assert format_record(forged).count("\n") == 1


@pytest.mark.parametrize(
    "line", ["", "plain text", "a b c d e", "t web.1 r7 x text", "t web.1 7 o text", "t web.1 r٣ o x"]
)
def test_other_lines_are_no_records(line: str) -> None:
    assert parse_record(line) is None


def test_the_mark_stands_in_every_line_of_its_stream() -> None:
    assert mark_of("web.1", 7, "stderr") in format_record(RECORD)
