"""Every state has an icon, a word and a colour; moments and durations read as people say them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paas.web.pages import words
from tests.fakes.clock import START


@pytest.mark.parametrize("state", ["Running", "Deploying", "Queued", "Unhealthy", "Crashed", "Stopped"])
def test_an_app_s_states_have_icons(state: str) -> None:
    assert words.icon(state) and words.spoken(state) == state and words.tone(state)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "just now"), (0, "just now"), (7, "7 s ago"), (90, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago"),
     (100 * 86400, "2025-09-23")],
)  # fmt: skip
def test_moments_are_told_relative_to_now(seconds: int, said: str) -> None:
    assert words.ago(START - timedelta(seconds=seconds), START) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0.0 s"), (0.84, "0.8 s"), (12.9, "12 s"), (200, "3 min 20 s"), (4000, "66 min 40 s")]
)
def test_durations_are_short(seconds: float, said: str) -> None:
    assert words.lasting(START, START + timedelta(seconds=seconds)) == said
    assert words.lasting(START, None) == ""
