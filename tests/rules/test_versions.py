from __future__ import annotations

import pytest

from paas.errors import BuildError
from paas.rules.versions import VersionWish, choose_version

PYTHON = ["3.11", "3.13"]
NODE = ["18", "20"]
GO = ["1.19", "1.24"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", "3.11"),
        ("3.13", "3.13"),
        ("3.11.9", "3.11"),
        ("3", "3.11"),
        ('"3.13"', "3.13"),
        (">=3.10", "3.11"),
        (">=3.12", "3.13"),
        (">=3.11.4,<3.12", "3.11"),
        ("~=3.11", "3.11"),
        ("~=3.13.0", "3.13"),
        ("==3.13.*", "3.13"),
        ("==3.11.4", "3.11"),
        ("<=3.11", "3.11"),
        (">3.11,!=3.11.*", "3.13"),
        ("latest", "3.13"),
    ],
)
def test_python_specifiers_and_plain_numbers(text: str, chosen: str) -> None:
    choice = choose_version("Python", "pep440", VersionWish(text, ".python-version"), PYTHON, "3.11")
    assert choice.version == chosen


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", "20"),
        ("18", "18"),
        ("18.x", "18"),
        ("v18.19.0", "18"),
        ("20.11.1", "20"),
        ("^18.12.0", "18"),
        ("~18.17.1", "18"),
        ("~18.17", "18"),
        ("^18.12 || ^20.9", "20"),
        (">=18", "20"),
        (">=18 <20", "18"),
        (">=16.0.0", "20"),
        ("<19", "18"),
        ("18 || 20", "20"),
        ("16 || 18", "18"),
        ("16 - 18", "18"),
        ("*", "20"),
        ("lts/*", "20"),
        ("lts/hydrogen", "18"),
        ("node", "20"),
    ],
)
def test_node_ranges(text: str, chosen: str) -> None:
    aliases = {"lts/*": "*", "lts/hydrogen": "18"}
    choice = choose_version("Node", "semver", VersionWish(text, "package.json"), NODE, "20", aliases)
    assert choice.version == chosen


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", "1.19"),
        ("1.17", "1.19"),
        ("1.19", "1.19"),
        ("1.20", "1.24"),
        ("1.24", "1.24"),
        ("1.24.3", "1.24"),
        ("1.23rc1", "1.24"),
    ],
)
def test_go_means_at_least(text: str, chosen: str) -> None:
    assert choose_version("Go", "at-least", VersionWish(text, "go.mod"), GO, "1.19").version == chosen


@pytest.mark.parametrize(
    ("title", "scheme", "text", "available", "listed"),
    [
        ("Python", "pep440", "3.12", PYTHON, "3.11 and 3.13 can"),
        ("Python", "pep440", "3.9.1", PYTHON, "3.11 and 3.13 can"),
        ("Python", "pep440", "<3.10", PYTHON, "3.11 and 3.13 can"),
        ("Python", "pep440", "2", PYTHON, "3.11 and 3.13 can"),
        ("Node", "semver", "22.x", NODE, "18 and 20 can"),
        ("Node", "semver", "^16.2.0", NODE, "18 and 20 can"),
        ("Node", "semver", ">=22", NODE, "18 and 20 can"),
        ("Go", "at-least", "1.25", GO, "1.19 and 1.24 can"),
    ],
)
def test_what_cannot_be_had_is_one_line_that_lists_what_can(
    title: str, scheme: str, text: str, available: list[str], listed: str
) -> None:
    with pytest.raises(BuildError) as caught:
        choose_version(title, scheme, VersionWish(text, "file"), available, available[0])
    assert caught.value.code == "no-version"
    assert listed in caught.value.message and text in caught.value.message and "file" in caught.value.message
    assert available[-1] in caught.value.hint


@pytest.mark.parametrize(
    ("scheme", "text"),
    [("pep440", "pypy3.10"), ("pep440", "three"), ("semver", "whatever-this"), ("at-least", "x")],
)
def test_nonsense_is_no_version(scheme: str, text: str) -> None:
    with pytest.raises(BuildError) as caught:
        choose_version("It", scheme, VersionWish(text, "file"), ["1.0"], "1.0")
    assert caught.value.code == "no-version"


@pytest.mark.parametrize(
    ("scheme", "text", "available", "warning"),
    [
        ("pep440", "3.11.9", PYTHON, "file asks for X 3.11.9; the 3.11 line is used, at its own patch level"),
        ("pep440", "3.11", PYTHON, ""),
        ("pep440", ">=3.11", PYTHON, ""),
        ("semver", "v18.19.0", NODE, "file asks for X 18.19.0; the 18 line is used, at its own patch level"),
        ("semver", "~18.12", NODE, "file asks for X 18.12; the 18 line is used, at its own patch level"),
        ("semver", "18", NODE, ""),
        ("at-least", "1.21", GO, "file asks for X 1.21 or newer; 1.24 is used"),
        ("at-least", "1.24.1", GO, ""),
    ],
)
def test_a_version_that_is_only_near_is_warned_about(
    scheme: str, text: str, available: list[str], warning: str
) -> None:
    assert choose_version("X", scheme, VersionWish(text, "file"), available, available[0]).warning == warning


@pytest.mark.parametrize("scheme", ["semver", "pep440", "at-least"])
def test_a_huge_wish_is_refused_unread(scheme: str) -> None:
    with pytest.raises(BuildError, match="is no version"):
        choose_version("X", scheme, VersionWish("1" + " " * 1_000_000 + "1", "file"), NODE, "20")
