from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from paas.adapters.templates import BuildpackFolders, double_quoted, regex_from_pattern, shell_quoted
from paas.errors import BuildError

FOLDER = Path(__file__).parent.parent.parent / "buildpacks"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ORDER").write_text("zig\nada\n")
    for name in ("ada", "zig"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "buildpack.toml").write_text(f'title = "{name}"')
        (tmp_path / name / "Dockerfile.j2").write_text("FROM {{ base.run }}\n")
    (tmp_path / "zig" / "run.sh").write_text("{{ left alone }}")
    return tmp_path


def test_buildpacks_come_in_their_order(folder: Path) -> None:
    assert list(BuildpackFolders(folder).buildpacks().items()) == [("zig", 'title = "zig"'), ("ada", 'title = "ada"')]


def test_templates_are_rendered_and_other_files_come_as_they_are(folder: Path) -> None:
    assert BuildpackFolders(folder).render("zig", {"base": {"run": "x"}}) == {
        ".paas/Dockerfile": b"FROM x\n",
        ".paas/run.sh": b"{{ left alone }}",
    }


def test_a_template_that_cannot_be_filled_in_is_a_refusal(folder: Path) -> None:
    with pytest.raises(BuildError, match=r"buildpacks/zig/Dockerfile\.j2 cannot be filled in"):
        BuildpackFolders(folder).render("zig", {"base": {}})


@pytest.mark.parametrize("text", ["plain", "it's", "$(id)", "a\nb", '"', "\\"])
def test_a_quoted_word_is_one_word_for_a_shell(text: str) -> None:
    printed = subprocess.run(["/bin/sh", "-c", f"printf %s {shell_quoted(text)}"], capture_output=True, text=True)
    assert printed.stdout == text


@pytest.mark.parametrize(
    ("text", "quoted"), [("a", '"a"'), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), ("a\r\nb", '"ab"'), ("}; x", '"}; x"')]
)
def test_a_quoted_word_is_one_word_for_nginx(text: str, quoted: str) -> None:
    assert double_quoted(text) == quoted


@pytest.mark.parametrize(
    ("pattern", "regex"),
    [
        ("/**", "^(?:/.*)?$"),
        ("/a/*", "^/a/[^/]*$"),
        ("/a.b", "^/a\\.b$"),
        ("/**/x.js", "^/.*/x\\.js$"),
        ("/a/**", "^/a(?:/.*)?$"),
    ],
)
def test_a_path_pattern_is_a_regular_expression(pattern: str, regex: str) -> None:
    assert regex_from_pattern(pattern) == regex
