"""What is true of a source? Finds a buildpack's declared facts in a list of files and their contents.

A fact looks at files by pattern (`*` stays inside a folder, `**` does not) and is the first that fits, or `all`, or the
one that `is_only`:

    matches   a regular expression in the file's content
    path      a regular expression for the file's path
    key       a dotted key of a JSON or TOML file; "." is the whole file
    value     how named groups of the two expressions make the value: "{module}:{object}"
    when      other facts that must hold (or, with "!", must not); "a|b" holds when one of them does

Its value is the key's value, `value`, the first group that is named `value`, or the path. In a group named `module`
the path is written with dots: app/main is app.main.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from paas.errors import BadInputError
from paas.rules.plain_json import parse_json
from paas.rules.procfile import PROCFILE, parse_procfile

Read = Callable[[str], bytes | None]
Condition = list[str]

MOST_FILES_READ = 200  # for one fact
BUILT_IN_FACTS = ("procfile",)  # the app says itself what runs
_FOREIGN_FOLDERS = frozenset({"node_modules", "vendor", "venv", ".venv", "env", ".git", "site-packages", "__pycache__"})


class FactRule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    files: list[str] = Field(default_factory=list)
    matches: str = ""
    path: str = ""
    key: str = ""
    value: str = ""
    all: bool = False
    is_only: bool = False
    when: Condition = Field(default_factory=list)


@dataclass(frozen=True)
class Fact:
    """`path`: the file that says so; "" for a fact about facts."""

    value: Any
    path: str = ""


Facts = Mapping[str, Fact]


def find_facts(rules: Mapping[str, FactRule], files: Sequence[str], read: Read) -> Facts:
    """Those of the facts that are true. Raises BadInputError (code `bad-file`) for a file that cannot be read."""
    facts: dict[str, Fact] = {}
    content = read(PROCFILE) if PROCFILE in files else None
    if content is not None and parse_procfile(content).processes:
        facts["procfile"] = Fact(True, PROCFILE)
    read = lru_cache(maxsize=None)(read)
    for name, rule in rules.items():
        if holds(rule.when, facts):
            found = list(_found(rule, files, read)) if rule.files else [Fact(True)]
            if found and not (rule.is_only and len(found) > 1):
                facts[name] = Fact(tuple(fact.value for fact in found), found[0].path) if rule.all else found[0]
    return facts


def holds(condition: Condition, facts: Facts) -> bool:
    """All items must hold; an item of alternatives holds when one does."""
    return all(
        any((name.removeprefix("!") in facts) != name.startswith("!") for name in item.split("|")) for item in condition
    )


def first_match(patterns: Sequence[str], files: Sequence[str]) -> str | None:
    """The first file for the first pattern that has one."""
    return next(_matching(patterns, files), None)


def _found(rule: FactRule, files: Sequence[str], read: Read) -> Iterator[Fact]:
    count = 0
    for path in _matching(rule.files, files):
        groups: dict[str, str] = {}
        if rule.path:
            match = re.fullmatch(rule.path, path)
            if not match:
                continue
            groups |= match.groupdict(default="")
        if rule.matches or rule.key:
            count += 1
            content = _content(rule, path, read) if count <= MOST_FILES_READ else None
            if content is None:
                continue
            if rule.key:
                value = _value_at(rule.key, path, content)
                if value is not None and value is not False:
                    yield Fact(value, path)
                    if not (rule.all or rule.is_only):
                        return
                continue
            match = re.search(rule.matches, content.decode("utf-8-sig", "replace").replace("\r\n", "\n"))
            if not match:
                continue
            groups |= match.groupdict(default="")
        if "module" in groups:
            groups["module"] = groups["module"].replace("/", ".")
        yield Fact(rule.value.format_map(groups) if rule.value else groups.get("value", path), path)
        if not (rule.all or rule.is_only):
            return


def _content(rule: FactRule, path: str, read: Read) -> bytes | None:
    """A link or a huge file that is only searched says nothing; one that must be understood is refused by `read`."""
    try:
        return read(path)
    except BadInputError:
        if rule.key:
            raise
        return None


def _value_at(key: str, path: str, content: bytes) -> Any:
    value = _parse(path, content)
    for part in key.split(".") if key != "." else ():
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _parse(path: str, content: bytes) -> Any:
    if not path.endswith(".toml"):
        return parse_json(content, path, is_strict=False)
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        hint = f"correct {path}, commit and push again"
        raise BadInputError(f"{path} cannot be read: {error}", hint, code="bad-file") from None


def _matching(patterns: Sequence[str], files: Sequence[str]) -> Iterator[str]:
    """Pattern by pattern, the shallowest first; what others wrote (node_modules, vendor) only when named in full."""
    for pattern in patterns:
        expression = _expression(pattern)
        is_exact = "*" not in pattern
        matching = [
            path
            for path in files
            if expression.fullmatch(path) and (is_exact or not _FOREIGN_FOLDERS.intersection(path.split("/")))
        ]
        yield from sorted(matching, key=lambda path: (path.count("/"), path))


@lru_cache(maxsize=512)
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*)", pattern)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts), re.DOTALL)
