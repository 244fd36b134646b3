"""What is marked with colour where a terminal is sure to be at the other end? Errors, headings, words of states.

A line that has colours of its own is left as it is.
"""

from __future__ import annotations

import re

BOLD, RED, GREEN, YELLOW = "1", "31", "32", "33"  # ECMA-48, 8.3.117: SGR

_STATES = {
    GREEN: ("running", "succeeded", "current", "ok"),
    YELLOW: ("deploying", "queued", "starting", "pending", "unhealthy", "warn"),
    RED: ("crashed", "failed", "fail"),
}
_COLOUR_OF = {word: colour for colour, words in _STATES.items() for word in words}
_LINE = re.compile(r"^(?: !     |=====> |-----> )[^\x1b\n]*$", re.MULTILINE)
_CELL = re.compile(
    rf"(?<=  )({'|'.join(_COLOUR_OF)})(?=  | \(|$)|^(?:ok|warn|fail)(?=  )", re.MULTILINE | re.IGNORECASE
)


def has_colours(term: str, no_color: str = "") -> bool:
    """May this terminal be written to in colour? `term`: its TERM; `no_color`: NO_COLOR, see https://no-color.org."""
    return term not in ("", "dumb") and not no_color


def paint(text: str) -> str:
    """Whole lines of errors (red) and headings (bold), and of tables and reports the cells that hold a state."""
    text = _LINE.sub(lambda match: _marked(match.group(), RED if match.group().startswith(" !") else BOLD), text)
    return _CELL.sub(lambda match: _marked(match.group(), _COLOUR_OF[match.group().lower()]), text)


def _marked(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"
