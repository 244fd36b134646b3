"""Which files of the source does a .dockerignore leave out?

Docker does not apply it to a context that is a tar on stdin, so we do. The last pattern that matches a path or one of
its parents decides, `!` takes a path back (moby/patternmatcher, MatchesOrParentMatches).

A pattern becomes a regular expression that never goes back over a `*` which it has passed: the Docker SDK's do, and
`*a*a*a*a*a*a*a*b` beside a file with a name of 100 letters would keep the whole process busy for hours (five such
stars: one second, and each one more some thirty times that).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence

from paas.errors import BadInputError

Matches = Callable[[str], bool]

MOST_PATTERNS = 1_000  # each is tried for each file

_END = r"\Z"
_TOKEN = re.compile(
    r"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)|\[(?P<not>\^?)(?P<set>[^\]]+)\]|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)


def read_ignore_file(content: bytes) -> list[tuple[bool, str]]:
    """(it takes back, pattern) for each line; comments, blank lines and the root itself are passed over.

    Raises BadInputError (code `bad-file`) when there are too many.
    """
    patterns: list[tuple[bool, str]] = []
    for line in content.decode("utf-8", "replace").removeprefix("\ufeff").splitlines():
        if line.startswith("#"):
            continue
        pattern = line.strip()
        takes_back = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip()
        if not pattern:
            continue
        pattern = posixpath.normpath(pattern).lstrip("/")
        if pattern and pattern != ".":
            patterns.append((takes_back, pattern))
    if len(patterns) > MOST_PATTERNS:
        what = f".dockerignore has {len(patterns):,} patterns, at most {MOST_PATTERNS:,} are read"
        raise BadInputError(what, "name folders rather than files", code="bad-file")
    return patterns


def matcher(pattern: str) -> Matches:
    """Whether a path fits `pattern`: `*` and `?` stay inside a folder, `**` does not, `[a-z]` is one of a set.

    What follows a `*` is looked for at the first place where it fits: a later one could only leave less to the next
    `*`. So each is an atomic group, and each `**` with all that comes before the next one. (Docker has `**` for whole
    folders; glued to a `*` or to text it may match less here.)
    """
    pieces = [""]  # divided by **
    is_open = False  # the group of a * waits for its end
    for token in _TOKEN.finditer(pattern):
        if token["deep"] or token["star"]:
            pieces[-1] += ")" if is_open else ""
            is_open = bool(token["star"])
        if token["deep"]:
            pieces.append("")
        else:
            pieces[-1] += "(?>[^/]*?" if token["star"] else _one(token)
    pieces[-1] += _END + (")" if is_open else "")
    first, *others = pieces
    deep = [f"(?>{'.*?' if piece == _END else '(?:.*?/)??'}{piece})" for piece in others]
    try:
        expression = re.compile(first + "".join(deep), re.DOTALL)
    except re.error:  # a set such as [z-a]
        return lambda path: path == pattern
    return lambda path: expression.match(path) is not None


def _one(token: re.Match[str]) -> str:
    if token["one"]:
        return "[^/]"
    if token["set"]:
        members = re.sub(r"[\[&~|]", r"\\\g<0>", token["set"])
        return f"(?!/)[{token['not']}{members}]"
    return re.escape(token["escaped"] or token["plain"])


class Ignored:
    """Answers for many paths of one source; what it learnt of a folder is kept for the files in it."""

    def __init__(self, patterns: Sequence[tuple[bool, Matches]]) -> None:
        self._patterns = patterns
        self._folders: dict[str, tuple[bool, ...]] = {"": tuple(False for _ in patterns)}

    def __call__(self, path: str) -> bool:
        is_ignored = False
        for (takes_back, _), matched in zip(self._patterns, self._matched(path), strict=True):
            if matched:
                is_ignored = not takes_back
        return is_ignored

    def _matched(self, path: str) -> tuple[bool, ...]:
        """For each pattern: does it match the path or a folder above it?"""
        above = self._folder(posixpath.dirname(path))
        return tuple(known or matches(path) for known, (_, matches) in zip(above, self._patterns, strict=True))

    def _folder(self, path: str) -> tuple[bool, ...]:
        if path not in self._folders:
            self._folders[path] = self._matched(path)
        return self._folders[path]
