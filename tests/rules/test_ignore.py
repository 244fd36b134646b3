"""A .dockerignore leaves out what Docker's documentation says it does."""

from __future__ import annotations

import time

import pytest

from paas.errors import BadInputError
from paas.rules.ignore import MOST_PATTERNS, Ignored, matcher, read_ignore_file


def is_ignored(text: str, path: str) -> bool:
    return Ignored([(back, matcher(pattern)) for back, pattern in read_ignore_file(text.encode())])(path)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("node_modules", "node_modules/a/b.js", True),
        ("node_modules", "web/node_modules/a.js", False),
        ("node_modules/", "node_modules/a/b.js", True),
        ("/node_modules", "node_modules/a.js", True),
        ("**/node_modules", "node_modules/x/y.js", True),
        ("**/node_modules", "a/b/node_modules/x/y.js", True),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("*/*.md", "docs/README.md", True),
        ("**/*.pyc", "a/b/c.pyc", True),
        ("tmp?", "tmpa/x", True),
        ("*.md\n!README.md", "README.md", False),
        ("!README.md\n*.md", "README.md", True),
        ("docs\n!docs/keep.md", "docs/keep.md", False),
        ("docs\n!docs/keep.md", "docs/drop.md", True),
        ("*\n!src\n!package.json", "src/a/b.js", False),
        ("*\n!src\n!package.json", "package.json", False),
        ("*\n!src\n!package.json", "secret.env", True),
        ("# docs\n\n  .git  ", ".git/config", True),
        ("# docs", "docs", False),
        ("\ufeff.git\r\n*.log\r\n", "a.log", True),
        (".", "anything", False),
        ("./dist/../build", "build/x", True),
        ("a/b", "a/bc", False),
    ],
)
def test_paths_are_left_out_or_kept(text: str, path: str, expected: bool) -> None:
    assert is_ignored(text, path) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*", "a", True),
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("a/**", "a/b/c", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/bz", False),
        ("**/*.py", "x/y.py", True),
        ("**/*.py", "y.py", True),
        ("**/b*/c*d", "a/b/bx/cyd", True),
        ("**/b*/c*d", "a/b/bx/cyde", False),
        ("*ab*ab", "abab", True),
        ("*ab*ab", "abxaab", True),
        ("*ab*ab", "ab", False),
        ("*a?c", "aaxc", True),
        ("file[0-9].[^t]xt", "file3.axt", True),
        ("file[0-9].[^t]xt", "file3.txt", False),
        ("a[^x]b", "a/b", False),
        (r"\*.md", "*.md", True),
        (r"\*.md", "a.md", False),
        ("[z-a]", "[z-a]", True),
        ("[", "[", True),
        ("(a|b)+", "(a|b)+", True),
        ("README.md", "readme.md", False),
        ("*", "a\nb", True),
    ],
)
def test_a_pattern_matches_as_docker_s_own(pattern: str, path: str, expected: bool) -> None:
    assert matcher(pattern)(path) is expected


@pytest.mark.parametrize("pattern", ["*a" * 100 + "b", "**/a" * 100 + "/b", "**a" * 100 + "b", "**/*a*a" * 30 + "b"])
def test_no_pattern_keeps_the_process_busy(pattern: str) -> None:
    started = time.perf_counter()
    for path in ("a" * 250, "a/" * 1000, "/".join(["aaaaaaaaa"] * 200)):
        matcher(pattern)(path)
    assert time.perf_counter() - started < 1


def test_too_many_patterns_are_refused() -> None:
    with pytest.raises(BadInputError, match="1,001 patterns"):
        read_ignore_file(b"a\n" * (MOST_PATTERNS + 1))
