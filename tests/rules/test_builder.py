from __future__ import annotations

import pytest

from paas.errors import BadInputError, BuildError
from paas.rules.builder import (
    BuilderWish,
    check_build_dir,
    check_builder,
    choose_builder,
    files_below,
    read_below,
)
from paas.rules.buildpack import parse_buildpack

PACK = 'title = "{title}"\ndetect = ["{file}"]\n[[base]]\nrole = "run"\nname = "x"'
PACKS = {
    "python": parse_buildpack("python", PACK.format(title="Python", file="requirements.txt")),
    "node": parse_buildpack("node", PACK.format(title="Node", file="package.json")),
}


@pytest.mark.parametrize(
    ("wish", "files", "builder", "reason"),
    [
        (
            BuilderWish(),
            ["Dockerfile", "requirements.txt"],
            "dockerfile",
            "Building with Dockerfile (Dockerfile found)",
        ),
        (
            BuilderWish(),
            ["package.json", "requirements.txt"],
            "python",
            "Building a Python app (requirements.txt found)",
        ),
        (BuilderWish(), ["package.json"], "node", "Building a Node app (package.json found)"),
        (BuilderWish("node"), ["Dockerfile", "package.json"], "node", "Building a Node app (as set for this app)"),
        (
            BuilderWish("dockerfile", dockerfile="deploy/Dockerfile"),
            ["deploy/Dockerfile"],
            "dockerfile",
            "Building with deploy/Dockerfile (as set for this app)",
        ),
        (
            BuilderWish(dockerfile="Dockerfile.prod"),
            ["Dockerfile.prod", "package.json"],
            "dockerfile",
            "Building with Dockerfile.prod (Dockerfile.prod found)",
        ),
        (
            BuilderWish(build_dir="services/web"),
            ["package.json"],
            "node",
            "Building a Node app (package.json found in services/web)",
        ),
    ],
)
def test_the_builder_is_chosen_and_the_reason_said_in_one_line(
    wish: BuilderWish, files: list[str], builder: str, reason: str
) -> None:
    choice = choose_builder(wish, PACKS, files, lambda path: b"")
    assert (choice.builder, choice.reason) == (builder, reason)
    assert (choice.buildpack is None) == (builder == "dockerfile")


@pytest.mark.parametrize(
    ("wish", "files", "said"),
    [
        (BuilderWish(), ["README"], "Nothing here says how to build this app"),
        (BuilderWish(), [], "The source has no files"),
        (BuilderWish(build_dir="web"), [], "The folder web (build-dir) has no files"),
        (BuilderWish("dockerfile"), ["README"], "There is no Dockerfile"),
        (BuilderWish(dockerfile="x/Dockerfile"), ["package.json"], "There is no x/Dockerfile"),
        (BuilderWish("node"), ["requirements.txt"], "it looks for package.json"),
        (BuilderWish("perl"), ["package.json"], "not installed"),
    ],
)
def test_what_cannot_be_built_is_said_with_what_was_looked_for(wish: BuilderWish, files: list[str], said: str) -> None:
    with pytest.raises(BuildError) as caught:
        choose_builder(wish, PACKS, files, lambda path: b"")
    assert caught.value.code == "no-builder"
    assert said in caught.value.message
    assert caught.value.hint


def test_nothing_found_lists_what_every_buildpack_looks_for() -> None:
    with pytest.raises(BuildError) as caught:
        choose_builder(BuilderWish(), PACKS, ["README"], lambda path: b"")
    assert caught.value.hint == "looked for Python: requirements.txt; Node: package.json"


def test_a_builder_must_exist_to_be_set() -> None:
    assert [check_builder(name, PACKS) for name in ("", "dockerfile", "node")] == ["", "dockerfile", "node"]
    with pytest.raises(BadInputError, match="no builder 'perl'") as caught:
        check_builder("perl", PACKS)
    assert "dockerfile, python, node" in caught.value.hint


@pytest.mark.parametrize(("path", "kept"), [("", ""), ("web", "web"), ("/a/b/", "a/b"), ("./a", "a")])
def test_a_build_directory_is_kept_without_outer_slashes(path: str, kept: str) -> None:
    assert check_build_dir(path) == kept


@pytest.mark.parametrize("path", ["..", "a/../b", "a//b", "a/./b", "a\nb", "../x"])
def test_a_build_directory_stays_inside_the_source(path: str) -> None:
    with pytest.raises(BadInputError):
        check_build_dir(path)


def test_a_build_directory_is_the_root_of_what_is_looked_at() -> None:
    assert files_below(["a/b", "ab/c", "d"], "a") == ["b"]
    assert files_below(["a/b", "d"], "") == ["a/b", "d"]
    assert read_below(lambda path: path.encode(), "a")("b") == b"a/b"
    assert read_below(lambda path: path.encode(), "")("b") == b"b"
