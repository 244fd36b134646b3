"""What may be printed of a secret? Stars."""

from __future__ import annotations

from collections.abc import Iterable

STARS = "********"
SHORTEST_REDACTED = 8  # shorter values ("true", "5000") occur in every log and hide more than they protect


class Secret:
    """A text that shows itself only to `reveal()`; repr, str and format give stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({STARS})"

    def __str__(self) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __len__(self) -> int:
        return len(self._value)


class Redactor:
    """Replaces known secret values in text that is about to be written down.

    Values of eight and more characters; multi-line values are also matched line by line.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        parts: set[str] = set()
        for value in values:
            for part in (value, *value.splitlines()):
                if len(part.strip()) >= SHORTEST_REDACTED:
                    parts.add(part)
        self._parts = sorted(parts, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for part in self._parts:
            if part in text:
                text = text.replace(part, STARS)
        return text
