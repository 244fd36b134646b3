"""Colours of logs: what programs print becomes classes and text, whatever they print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.web.ansi import pieces


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plain", [("plain", "")]),
        ("", []),
        ("\x1b[32mok\x1b[0m 3", [("ok", "c32"), (" 3", "")]),
        ("\x1b[1;31mno\x1b[22m!\x1b[39m", [("no", "c31 bold"), ("!", "c31")]),
        ("\x1b[mx", [("x", "")]),
        ("\x1b[91mx\x1b[90my", [("x", "c31"), ("y", "c90")]),
        ("\x1b[38;5;200mx", [("x", "")]),
        ("\x1b[99999999mx", [("x", "")]),
        ("\x1b[2J\x1b]0;t\x07x", [("\ufffd[2J\ufffd]0;t\ufffdx", "")]),
        ("<b>&", [("<b>&", "")]),
    ],
)
def test_codes_become_classes(line: str, expected: list[tuple[str, str]]) -> None:
    assert pieces(line) == expected


@given(st.text(alphabet=st.sampled_from("\x1b[0;319m\x07 a\x9b\u202e"), max_size=60))
def test_nothing_but_text_and_known_classes_comes_out(line: str) -> None:
    for text, look in pieces(line):
        assert "\x1b" not in text and "\x9b" not in text and "\u202e" not in text
        assert set(look.split()) <= {"bold", *(f"c{number}" for number in (*range(30, 38), 90))}
