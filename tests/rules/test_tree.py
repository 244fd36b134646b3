from __future__ import annotations

import pytest

from paas.errors import BadInputError
from paas.ports import TreeEntry
from paas.rules.tree import MOST_ENTRIES, TreeLimits, check_pointers, check_tree

LIMITS = TreeLimits(file=1_000, source=3_000)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"


def file(path: str, size: int = 10, mode: str = "100644") -> TreeEntry:
    return TreeEntry(mode, path, size, "a" * 40)


def refusal(*entries: TreeEntry) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        check_tree(entries, LIMITS)
    return caught.value


def test_ordinary_trees_pass() -> None:
    assert check_tree([file("Procfile"), file("bin/run", mode="100755"), file("a link", mode="120000")], LIMITS) == []


@pytest.mark.parametrize("name", ["Procfile", "app.json", "Dockerfile", ".dockerignore"])
def test_what_the_platform_reads_is_no_link(name) -> None:
    assert refusal(file(name, mode="120000")).code == "symlink"


def test_links_elsewhere_may_point_where_they_like() -> None:
    check_tree([file("public/current", mode="120000"), file("docs/Procfile", mode="120000")], LIMITS)


def test_a_link_longer_than_any_path_is_refused() -> None:
    assert refusal(file("x", size=5_000, mode="120000")).code == "symlink"


def test_submodules_are_named_with_what_to_do() -> None:
    said = refusal(file("a"), file("vendor/lib", 0, "160000"), file("z", 0, "160000"))
    assert said.code == "submodule"
    assert "vendor/lib, z" in said.message and "git rm --cached vendor/lib" in said.hint


def test_many_submodules_are_counted() -> None:
    assert "and 2 more" in refusal(*(file(f"m{number}", 0, "160000") for number in range(5))).message


def test_large_files_and_large_sources_are_refused_by_name() -> None:
    assert "big.bin" in refusal(file("big.bin", 1_001)).message
    assert refusal(*(file(f"f{number}", 900) for number in range(4))).code == "too-large"


def test_a_tree_without_end_is_read_no_further_than_needed() -> None:
    def endless():
        number = 0
        while True:
            number += 1
            assert number <= MOST_ENTRIES + 1
            yield file("x", 0)

    with pytest.raises(BadInputError) as caught:
        check_tree(endless(), LIMITS)
    assert caught.value.code == "too-many-files"


def test_control_characters_of_a_path_do_not_reach_a_terminal() -> None:
    assert "\x1b" not in refusal(file("\x1b[2Jx", 2_000)).message


@pytest.mark.parametrize("digits", [1, 5, 15])
def test_files_of_a_pointers_size_are_looked_into(digits) -> None:
    size = len(POINTER) - 5 + digits
    assert [entry.path for entry in check_tree([file("a.psd", size), file("b", size + 100)], LIMITS)] == ["a.psd"]


def test_lfs_pointers_are_refused_by_name() -> None:
    with pytest.raises(BadInputError) as caught:
        check_pointers([("readme", b"hello"), ("a.psd", POINTER)])
    assert caught.value.code == "git-lfs" and "a.psd" in caught.value.message


def test_other_contents_are_no_pointers() -> None:
    check_pointers([("readme", b"x" * len(POINTER)), ("empty", b"")])
