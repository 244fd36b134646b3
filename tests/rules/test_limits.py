"""Sizes and times that an app may set for itself."""

from __future__ import annotations

from typing import Any

import pytest

from paas.errors import PaasError
from paas.rules.limits import (
    DRAIN_TIMEOUT,
    MOST,
    STOP_TIMEOUT,
    UPLOAD_LIMIT,
    limit_of,
    parse_seconds,
    parse_size,
    show_size,
)


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("500k", 500 * 1024), ("50m", 50 * 1024**2), ("1G", 1024**3), ("10g", 10 * 1024**3)]
)
def test_sizes_are_written_as_nginx_writes_them(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(show_size(size)) == size


@pytest.mark.parametrize(
    "text",
    ["", "0", "0m", "-1m", "1.5m", "50mb", "11g", "50m; deny all", "50m\n", "٥m", "1e9", "9" * 5000, "$x", " 5m"],
)
def test_what_is_no_size_is_one_clear_line(text: str) -> None:
    with pytest.raises(PaasError) as refused:
        parse_size(text)
    assert refused.value.code == "size" and "\n" not in refused.value.message and len(refused.value.message) < 100


def test_a_size_is_shown_in_its_largest_whole_unit() -> None:
    assert [show_size(size) for size in (50 * 1024**2, 1024**3, 1536, 100_000_000)] == [
        "50m",
        "1g",
        "1536",
        "100000000",
    ]


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1h", "٣", "30\n", "3601", "9" * 5000, "30; reboot"])
def test_what_is_no_number_of_seconds_is_one_clear_line(text: str) -> None:
    with pytest.raises(PaasError) as refused:
        parse_seconds(DRAIN_TIMEOUT, text)
    assert refused.value.code == "seconds" and "3600" in refused.value.hint
    assert parse_seconds(DRAIN_TIMEOUT, "3600") == 3600 and parse_seconds(STOP_TIMEOUT, "0") == 0


@pytest.mark.parametrize("kept", [None, "5; }", True, -1, 1e12, [1], float("nan")])
def test_nonsense_in_a_row_is_the_default(kept: Any) -> None:
    assert limit_of({UPLOAD_LIMIT: kept}, UPLOAD_LIMIT, 7) == 7
    assert limit_of({UPLOAD_LIMIT: MOST[UPLOAD_LIMIT]}, UPLOAD_LIMIT, 7) == MOST[UPLOAD_LIMIT]
