"""A .dockerignore leaves out what Docker's documentation says it does."""

from __future__ import annotations

import pytest
from docker.utils.build import Pattern

from paas.rules.ignore import Ignored, read_ignore_file


def is_ignored(text: str, path: str) -> bool:
    return Ignored([(back, Pattern(pattern).match) for back, pattern in read_ignore_file(text.encode())])(path)


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
