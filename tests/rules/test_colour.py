from __future__ import annotations

import pytest

from paas.rules.colour import has_colours, paint


@pytest.mark.parametrize(
    ("text", "painted"),
    [
        (" !     App none does not exist\n", "\x1b[31m !     App none does not exist\x1b[0m\n"),
        ("=====> My Apps\nblog\n", "\x1b[1m=====> My Apps\x1b[0m\nblog\n"),
        ("-----> Building", "\x1b[1m-----> Building\x1b[0m"),
        ("web.1  Running  v3\n", "web.1  \x1b[32mRunning\x1b[0m  v3\n"),
        ("       Status:  crashed\n", "       Status:  \x1b[31mcrashed\x1b[0m\n"),
        ("       Status web 1:  running (abc)\n", "       Status web 1:  \x1b[32mrunning\x1b[0m (abc)\n"),
        ("FAIL  docker          no answer\n", "\x1b[31mFAIL\x1b[0m  docker          no answer\n"),
        ("12  deploy  queued  3 s", "12  deploy  \x1b[33mqueued\x1b[0m  3 s"),
    ],
)
def test_errors_headings_and_states_are_marked(text: str, painted: str) -> None:
    assert paint(text) == painted


@pytest.mark.parametrize(
    "text",
    [
        "", "blog\n", "it has failed twice\n", "current", "       a failed build\n", "ok\n", "x !     y", " ----->",
        "-----> \x1b[32mDone\x1b[0m\n", '{"state": "running"}',
    ],
)  # fmt: skip
def test_everything_else_is_left_as_it_is(text: str) -> None:
    assert paint(text) == text


@pytest.mark.parametrize(
    ("term", "no_color", "answer"),
    [("xterm-256color", "", True), ("xterm", "1", False), ("dumb", "", False), ("", "", False)],
)
def test_a_terminal_may_have_no_colours(term: str, no_color: str, answer: bool) -> None:
    assert has_colours(term, no_color) is answer
