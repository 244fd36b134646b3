"""5000, or the one exposed port, or the lowest of several; the user's PORT wins."""

from __future__ import annotations

import pytest

from paas.errors import BadInputError
from paas.rules.port import choose_port


@pytest.mark.parametrize(
    ("wanted", "exposed", "number", "word"),
    [
        (None, (), 5000, "default"),
        (None, (8080,), 8080, "exposed"),
        (None, (9090, 80, 8080), 80, "the lowest of 80, 8080, 9090"),
        ("7000", (8080,), 7000, "PORT"),
    ],
)
def test_the_port_is_chosen(wanted: str | None, exposed: tuple[int, ...], number: int, word: str) -> None:
    choice = choose_port(wanted, exposed)
    assert choice.number == number
    assert word in choice.reason


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "80 ", "١٢٣", "1e3", "$PORT", "80\n"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        choose_port(text, ())
    assert refusal.value.code == "port"
