"""Which colours has a line of a log? Terminal codes (SGR, ECMA-48 8.3.117) become classes, the rest is text."""

from __future__ import annotations

import re

from paas.commands.present import harmless_log

Piece = tuple[str, str]  # text, classes

_CODE = re.compile(r"\x1b\[([0-9;]*)m")
_COLOURS = {*range(30, 38), *range(90, 98)}


def pieces(line: str) -> list[Piece]:
    """The line without its codes, cut where its look changes: `[("ok", "c32 bold"), (" 3 files", "")]`."""
    found: list[Piece] = []
    colour, is_bold = "", False
    texts = _CODE.split(harmless_log(line))  # text, codes, text, codes ... text
    for index, part in enumerate(texts):
        if index % 2 == 0:
            if part:
                found.append((part, f"{colour} {'bold' if is_bold else ''}".strip()))
            continue
        for code in part.split(";"):
            number = int(code) if code.isdigit() and len(code) < 4 else 0
            if number == 0:
                colour, is_bold = "", False
            elif number in (1, 22):
                is_bold = number == 1
            elif number == 39:
                colour = ""
            elif number in _COLOURS:
                colour = f"c{number if number <= 90 else number - 60}"  # bright ones are shown as plain, but grey
    return found
