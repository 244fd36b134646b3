from __future__ import annotations

import pytest

from paas.errors import BadInputError
from paas.rules.plain_json import LARGEST_FILE, parse_json


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" * 100_000, "nested more than"),
        (b'{"a":' * 100_000, "nested more than"),
        (b"[" * 70 + b"]" * 70, "nested more than"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is there twice"),
        (b'{"a": 1,}', "line 1, column"),
        (b"", "line 1, column 1"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        (b'"\\ud800"', "half a Unicode pair"),
        (b'{"\\udfff": 1}', "half a Unicode pair"),
        (b"1" * 10_000, "Exceeds the limit"),
        (b" " * (LARGEST_FILE + 1), "at most"),
        (b"{} {}", "Extra data"),
    ],
)
def test_what_is_not_plain_json_is_refused_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_json(content, "app.json")
    assert caught.value.code == "bad-file"
    assert caught.value.message.startswith("app.json cannot be read: ")
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.__cause__ is None


def test_a_byte_order_mark_is_taken() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": [1, "\xc3\xbc"]}', "app.json") == {"a": [1, "ü"]}


def test_npm_takes_the_last_of_two_equal_keys() -> None:
    assert parse_json(b'{"a": 1, "a": 2}', "package.json", is_strict=False) == {"a": 2}
