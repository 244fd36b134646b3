"""How are variables written in files? Reading `.env` files, and writing variables for shells, files and programs.

Quotes as in the shell: double quotes know \\n, \\t, \\", \\\\ and \\$; single quotes know nothing; both may span lines.
Nothing is expanded: a value is what stands there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

from paas.errors import BadInputError

FORMATS = (
    "exports", "envfile", "docker-args", "docker-args-keys", "shell", "pretty", "json", "json-list", "pack-keys",
)  # fmt: skip

_START = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<key>[^\s=#]+)[ \t]*=[ \t]*", re.ASCII)
_PLAIN = re.compile(r"[^\n]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$", "`": "`"}


def parse_dotenv(text: str) -> dict[str, str]:
    """Variables in the file's order; of duplicates the last. Raises BadInputError (code `dotenv`) with the line."""
    text = text.removeprefix("\N{BYTE ORDER MARK}").replace("\r\n", "\n")
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        line_end = text.find("\n", position)
        line = text[position : len(text) if line_end < 0 else line_end]
        if not line.strip() or line.lstrip().startswith("#"):
            position += len(line) + 1
            continue
        match = _START.match(text, position)
        if match is None or "\n" in match.group():
            raise _refusal(text, position, "is no KEY=value")
        value, position = _value(text, match.end())
        values[match["key"]] = value
    return values


def _value(text: str, start: int) -> tuple[str, int]:
    """The value that begins at `start`, and where the next line begins."""
    quote = text[start : start + 1]
    if quote not in ("'", '"'):
        match = _PLAIN.match(text, start)
        raw = match.group() if match else ""
        return re.split(r"\s+#", raw, maxsplit=1)[0].strip(), start + len(raw) + 1
    out: list[str] = []
    position = start + 1
    while position < len(text) and text[position] != quote:
        if quote == '"' and text[position] == "\\" and position + 1 < len(text):
            following = text[position + 1]
            out.append(_ESCAPES.get(following, "\\" + following))
            position += 2
            continue
        out.append(text[position])
        position += 1
    if position >= len(text):
        raise _refusal(text, start, f"has no closing {quote}")
    rest = _PLAIN.match(text, position + 1)
    behind = rest.group() if rest else ""
    if behind.strip() and not behind.strip().startswith("#"):
        raise _refusal(text, start, "has text behind its closing quote")
    return "".join(out), position + 1 + len(behind) + 1


def export_variables(values: Mapping[str, str], format_: str) -> str:
    """All variables in one of FORMATS. Raises BadInputError (code `export-format`) for another."""
    if format_ not in FORMATS:
        raise BadInputError(f"Unknown format {format_[:20]!a}", f"one of {', '.join(FORMATS)}", code="export-format")
    if format_ == "json":
        return json.dumps(dict(values), ensure_ascii=False)
    if format_ == "json-list":
        return json.dumps([{"name": key, "value": value} for key, value in values.items()], ensure_ascii=False)
    if format_ == "envfile":
        return "\n".join(f"{key}={_double_quoted(value)}" for key, value in values.items())
    if format_ == "docker-args":
        return " ".join(f"--env={shlex.quote(f'{key}={value}')}" for key, value in values.items())
    if format_ == "docker-args-keys":
        return " ".join(f"--env={key}" for key in values)
    if format_ == "pack-keys":
        return " ".join(f"--env {key}" for key in values)
    if format_ == "shell":
        return " ".join(f"{key}={shlex.quote(value)}" for key, value in values.items())
    if format_ == "pretty":
        width = max((len(key) for key in values), default=0) + 2
        return "\n".join(f"{key + ':':<{width}} {value}" for key, value in values.items())
    return "\n".join(f"export {key}={shlex.quote(value)}" for key, value in values.items())


def _double_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    escaped = escaped.replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _refusal(text: str, position: int, reason: str) -> BadInputError:
    line = text.count("\n", 0, position) + 1
    return BadInputError(f"Line {line} {reason}", "lines look like KEY=value", code="dotenv")
