from __future__ import annotations

from pathlib import Path

import pytest

from paas.adapters.nginx_tree import Tree, Trees, digest_of, make_folder


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    make_folder(tmp_path / "trees")
    return Trees(tmp_path)


def move_in(trees: Trees, **files: str) -> Tree:
    written = {name: text.encode() for name, text in files.items()}
    return trees.move_in(written, trees.next_number(), "digest", {"aaaaaaaa": "why"})


def test_there_is_none_at_first(trees: Trees) -> None:
    assert trees.current() is None
    assert trees.last_good() is None
    assert trees.next_number() == 1


def test_the_link_names_the_tree_that_was_moved_in(trees: Trees, tmp_path: Path) -> None:
    move_in(trees, one="1")
    second = move_in(trees, two="2")
    assert trees.current() == second
    assert (tmp_path / "current" / "two").read_text() == "2"
    assert (second.number, second.digest, second.quarantined) == (2, "digest", {"aaaaaaaa": "why"})


def test_the_last_good_one_is_the_newest_that_was_confirmed(trees: Trees) -> None:
    first = move_in(trees, one="1")
    first.confirm()
    move_in(trees, two="2")
    assert trees.last_good() == first
    trees.point_to(first)
    assert trees.current() == first


def test_only_the_current_and_the_last_good_one_are_kept(trees: Trees, tmp_path: Path) -> None:
    trees.stage({"staging": b"of a killed process"})
    for number in range(4):
        tree = move_in(trees, one=str(number))
        if number < 2:
            tree.confirm()
    trees.prune()
    assert sorted(path.name for path in (tmp_path / "trees").iterdir()) == ["tree-2", "tree-4"]
    assert trees.next_number() == 5


def test_what_was_checked_is_what_is_moved_in(trees: Trees) -> None:
    refused = trees.stage({"one": b"1"})
    accepted = trees.stage({"one": b"2"})
    assert not refused.exists()
    assert trees.stage({"one": b"2"}) == accepted
    inode = accepted.stat().st_ino
    assert move_in(trees, one="2").path.stat().st_ino == inode


def test_a_tree_that_was_changed_behind_our_back_is_told_from_one_that_was_not(trees: Trees) -> None:
    def moved_in() -> Tree:
        return trees.move_in(
            {"nginx.conf": b"base", "sites/a.conf": b"a", "sites/b.conf": b"b"}, trees.next_number(), "digest", {}
        )

    whole, added, emptied, poorer = moved_in(), moved_in(), moved_in(), moved_in()
    whole.confirm()
    (added.path / "sites/c.conf").write_text("server { broken")
    (emptied.path / "sites/a.conf").write_text("")
    (poorer.path / "sites/b.conf").unlink()
    assert [tree.is_intact for tree in (whole, added, emptied, poorer)] == [True, False, False, False]
    assert added.intact_files("sites") == {"sites/a.conf": b"a", "sites/b.conf": b"b"}
    assert emptied.intact_files("sites", "nginx.conf") == {"nginx.conf": b"base", "sites/b.conf": b"b"}
    assert poorer.intact_files("sites") == {"sites/a.conf": b"a"}


def test_a_tree_whose_notes_are_lost_has_nothing_to_rely_on(trees: Trees) -> None:
    tree = move_in(trees, one="1")
    for note in ("manifest.json", "quarantined.json"):
        (tree.path / note).write_text("")
    assert not tree.is_intact
    assert tree.intact_files("one") == {}
    assert tree.quarantined == {}


def test_keys_are_roots_alone_and_pages_everybodys(trees: Trees) -> None:
    tree = trees.stage({"tls/key.pem": b"k", "pages/a.html": b"p"})
    assert (tree / "tls/key.pem").stat().st_mode & 0o777 == 0o600
    assert (tree / "pages/a.html").stat().st_mode & 0o777 == 0o644
    assert (tree / "pages").stat().st_mode & 0o777 == 0o755


def test_the_digest_follows_names_contents_and_refusals() -> None:
    digests = {
        digest_of({"a": b"1"}, {}),
        digest_of({"a": b"2"}, {}),
        digest_of({"b": b"1"}, {}),
        digest_of({"a": b"1"}, {"x": "y"}),
        digest_of({"a": b"1", "b": b"1"}, {}),
    }
    assert len(digests) == 5
    assert digest_of({"a": b"1", "b": b"2"}, {}) == digest_of({"b": b"2", "a": b"1"}, {})
