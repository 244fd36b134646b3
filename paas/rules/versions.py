"""Which version of a language does an app get, of those that can be had?

Base images come as lines (Python 3.11, Node 20, Go 1.24) whose patch level is the suite's or the registry's newest.
Three ways to ask: `pep440` (Python's specifiers, or a plain number), `semver` (npm's ranges), `at-least` (go.mod).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import nodesemver
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from paas.errors import BuildError

_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,2}", re.ASCII)
LONGEST_WISH = 200  # characters; npm's grammar takes hours for 1 MB of spaces
_HIGHEST = 99  # a patch or minor number that no line reaches
_NEWEST = frozenset({"latest", "node", "current", "stable"})


@dataclass(frozen=True)
class VersionWish:
    """`text` as the app wrote it into `file`; "" asks for nothing."""

    text: str = ""
    file: str = ""

    @property
    def shown(self) -> str:
        """Fit for one line."""
        return "".join(character if character.isprintable() else " " for character in self.text)[:60].strip()


@dataclass(frozen=True)
class VersionChoice:
    version: str
    reason: str
    warning: str = ""


def choose_version(
    title: str,
    scheme: str,
    wish: VersionWish,
    available: Sequence[str],
    default: str,
    aliases: Mapping[str, str] | None = None,
) -> VersionChoice:
    """Choose a line. available: lines, oldest first.

    The default is taken when it fits, else the newest that fits (`at-least`: the oldest, it is the nearest).
    Raises BuildError (code `no-version`) that lists what can be had.
    """
    text = wish.text.strip().strip("\"'")
    if not text:
        return VersionChoice(default, "nothing else is asked for")
    text = (aliases or {}).get(text.lower(), text)
    if text.lower() in _NEWEST:
        return VersionChoice(available[-1], f"{wish.file} asks for the newest")
    fitting = [line for line in available if _fits(scheme, text, line, title, wish)]
    if not fitting:
        raise BuildError(
            f"{wish.file} asks for {title} {wish.shown}, which cannot be had here: {_listed(available)} can",
            f"ask for {available[-1]} in {wish.file}",
            code="no-version",
        )
    nearest = fitting[0] if scheme == "at-least" else fitting[-1]
    chosen = default if default in fitting and scheme != "at-least" else nearest
    return VersionChoice(chosen, f"{wish.file} asks for {wish.shown}", _warning(title, scheme, text, chosen, wish))


def _fits(scheme: str, text: str, line: str, title: str, wish: VersionWish) -> bool:
    try:
        if len(text) > LONGEST_WISH:
            raise ValueError(text)
        if scheme == "pep440":
            return _fits_pep440(text, line)
        if scheme == "semver":
            return _fits_semver(text, line)
        return _numbers(line) >= _numbers(text)[: len(_numbers(line))]
    except ValueError:
        raise BuildError(
            f"{wish.file}: {wish.shown!r} is no version of {title}",
            f"write for example {line}",
            code="no-version",
        ) from None


def _fits_pep440(text: str, line: str) -> bool:
    """A plain number is a line or one of its patch levels; in a range any patch level of the line will do."""
    if _NUMBER.fullmatch(text):
        wanted, offered = _numbers(text), _numbers(line)
        return wanted[: len(offered)] == offered[: len(wanted)]
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(text) from None
    return any(specifiers.contains(f"{line}.{patch}") for patch in range(_HIGHEST + 1))


def _fits_semver(text: str, line: str) -> bool:
    """Whether the line has a version in the range: its first, its last or one that the range itself names."""
    text = text.removeprefix("v") if _NUMBER.fullmatch(text.removeprefix("v")) else text
    first, last = f"{line}.0.0", f"{line}.{_HIGHEST}.{_HIGHEST}"
    found = re.findall(r"(\d+\.\d+)(\.\d+)?", text)
    named = [minor + (patch or ".0") for minor, patch in found if minor.split(".")[0] == line]
    nexts = [".".join([*version.split(".")[:2], str(int(version.split(".")[2]) + 1)]) for version in named]
    return any(nodesemver.satisfies(version, text, loose=True) for version in (first, last, *named, *nexts))


def _warning(title: str, scheme: str, text: str, chosen: str, wish: VersionWish) -> str:
    pinned = text.lstrip("=~v ").strip()
    if not _NUMBER.fullmatch(pinned):
        return ""
    if scheme == "at-least":
        is_near = _numbers(pinned)[:2] == _numbers(chosen)[:2]
        return "" if is_near else f"{wish.file} asks for {title} {pinned} or newer; {chosen} is used"
    is_finer = len(_numbers(pinned)) > len(_numbers(chosen))
    return (
        f"{wish.file} asks for {title} {pinned}; the {chosen} line is used, at its own patch level" if is_finer else ""
    )


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(_NUMBER, text)
    if not match:
        raise ValueError(text)
    return tuple(int(part) for part in match[0].split("."))


def _listed(versions: Sequence[str]) -> str:
    return " and ".join([", ".join(versions[:-1]), versions[-1]]) if len(versions) > 1 else versions[0]
