"""What does a JSON file that an app brings say? One clear refusal for everything that is not plain JSON.

Follows RFC 8259, and refuses what Python's `json` takes beyond it (NaN, Infinity), what it silently drops (duplicate
keys) and what makes it fall over (`[` a hundred thousand times, numbers of a million digits).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from paas.errors import BadInputError

LARGEST_FILE = 1_000_000  # bytes
DEEPEST = 64


def parse_json(content: bytes, name: str, *, is_strict: bool = True) -> Any:
    """The value that the file `name` holds.

    is_strict: duplicate keys are refused; else the last one counts, as npm has it. Raises BadInputError (code
    `bad-file`), whose one line names the file.
    """
    if len(content) > LARGEST_FILE:
        raise _refusal(name, f"it has {len(content):,} bytes, at most {LARGEST_FILE:,} are read")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(name, f"byte {error.start} is not UTF-8") from None

    def check_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if is_strict and len(keys) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise _refusal(name, f"the key {twice[:60]!r} is there twice")
        return keys

    def refuse_constant(constant: str) -> NoReturn:
        raise _refusal(name, f"{constant} is not JSON")

    try:
        value = json.loads(text, object_pairs_hook=check_pairs, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise _refusal(name, f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise _refusal(name, f"it is nested more than {DEEPEST} deep") from None
    except ValueError as error:  # a number with more digits than Python converts
        raise _refusal(name, str(error).split(":")[0]) from None
    _check_inside(value, name)
    return value


def _check_inside(value: Any, name: str) -> None:
    """Refuse too deep a nesting, and lone surrogates, which no database or file takes."""
    level = [value]
    for _ in range(DEEPEST):
        if not level:
            return
        level = [inner for outer in level for inner in _inside(outer, name)]
    if level:
        raise _refusal(name, f"it is nested more than {DEEPEST} deep")


def _inside(value: Any, name: str) -> list[Any]:
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise _refusal(name, "a text in it holds half a Unicode pair")
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def _refusal(name: str, reason: str) -> BadInputError:
    return BadInputError(f"{name} cannot be read: {reason}", f"correct {name}, commit and push again", code="bad-file")
