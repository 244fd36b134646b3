"""Which files of the source does a .dockerignore leave out?

Docker does not apply it to a context that is a tar on stdin, so we do. The last pattern that matches a path or one of
its parents decides, `!` takes a path back (moby/patternmatcher, MatchesOrParentMatches). How one pattern matches one
path is the Docker SDK's matter: it is handed in.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence

Matches = Callable[[str], bool]


def read_ignore_file(content: bytes) -> list[tuple[bool, str]]:
    """(it takes back, pattern) for each line; comments, blank lines and the root itself are passed over."""
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
    return patterns


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
