"""How does a result read? Records as text in the shape of Dokku's reports and lists, or as JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

_HARMFUL = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # C0, C1, line ends, bidi overrides
_CONTROL = re.compile(f"[{_HARMFUL}]")


def as_plain(result: Any) -> Any:
    """Dataclasses, moments and tuples as JSON's own types."""
    if isinstance(result, list):
        return [as_plain(item) for item in result]
    kind: Any = type(result)
    return _adapter_of(kind).dump_python(result, mode="json")


@cache
def _adapter_of(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)  # takes a thousand times as long to make as to use


def as_json(result: Any) -> str:
    return json.dumps(as_plain(result), ensure_ascii=False)


def harmless(text: str) -> str:
    """Text of strangers (commit subjects, names) without control characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def storable(text: str) -> str:
    """Text as every database takes it: no NUL, no half of a Unicode pair."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


_NOT_COLOUR = re.compile(rf"\x1b\[[0-9;]*m|[{_HARMFUL}]")


def harmless_log(text: str) -> str:
    """A line of a log: colours (SGR) and tabs stay, every other control character goes."""
    return _NOT_COLOUR.sub(
        lambda match: match.group() if match.group().startswith("\x1b[") else "\N{REPLACEMENT CHARACTER}", text
    )


def heading(text: str) -> str:
    return f"=====> {text}"


def report(title: str, record: Any) -> str:
    """`=====> blog app information`, then one `Key:  value` line per field."""
    pairs = [(field.name, getattr(record, field.name)) for field in dataclasses.fields(record)]
    words = [(name.replace("_", " ").capitalize() + ":", show_value(value)) for name, value in pairs]
    width = max((len(key) for key, _ in words), default=0) + 2
    return "\n".join([heading(title), *(f"       {key:<{width}}{value}".rstrip() for key, value in words)])


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Aligned columns; no rows, no head."""
    if not rows:
        return ""
    texts = [[show_value(cell) for cell in row] for row in rows]
    widths = [max(len(column), *(len(row[index]) for row in texts)) for index, column in enumerate(columns)]
    lines = [[column.upper() for column in columns], *texts]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def show_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, dict):
        return " ".join(f"{key}={show_value(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(show_value(item) for item in value)
    return harmless(str(value))


def as_text(result: Any, title: str = "") -> str:
    """The default rendering; commands with a shape of their own pass `show=` to their declaration."""
    if result is None:
        return ""
    if isinstance(result, list | tuple):
        if result and dataclasses.is_dataclass(result[0]):
            names = [field.name for field in dataclasses.fields(result[0])]
            return table(
                [name.replace("_", " ") for name in names], [[getattr(row, name) for name in names] for row in result]
            )
        return "\n".join(show_value(item) for item in result)
    if dataclasses.is_dataclass(result):
        return report(title, result)
    return show_value(result)
