"""What every `Repositories` promises."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import Protocol

from paas.ports import Repositories

APP = "blog0000"


class Committer(Protocol):
    """Makes a commit with these files in the app's repository; its name."""

    def __call__(self, files: dict[str, bytes], parent: str | None = None, subject: str = "A change") -> str: ...


class RepositoriesContract:
    """Inherit and give the fixtures `repositories` (with APP created) and `commit`."""

    def test_making_a_repository_twice_is_making_it_once(self, repositories: Repositories) -> None:
        assert repositories.create(APP) == repositories.create(APP)

    def test_a_branch_that_is_not_there_is_none(self, repositories: Repositories) -> None:
        assert repositories.branch(APP, "main") is None
        assert repositories.branch("unknown0", "main") is None

    def test_a_ref_moves_only_from_where_it_is_said_to_stand(
        self, repositories: Repositories, commit: Committer
    ) -> None:
        first = commit({"a": b"1"})
        second = commit({"a": b"2"}, first)
        assert repositories.move(APP, "refs/heads/main", None, first)
        assert not repositories.move(APP, "refs/heads/main", None, second)
        assert repositories.branch(APP, "main") == first
        assert repositories.move(APP, "refs/heads/main", first, second)
        assert repositories.branch(APP, "main") == second

    def test_a_branch_may_have_any_name_that_git_allows(self, repositories: Repositories, commit: Committer) -> None:
        made = commit({"a": b"1"})
        for name in ("$(touch)", "--upload-pack=x", "-x", "feature/a;b", "ü"):
            assert repositories.move(APP, f"refs/heads/{name}", None, made)
            assert repositories.branch(APP, name) == made

    def test_a_commit_tells_its_facts(self, repositories: Repositories, commit: Committer) -> None:
        made = commit({"a": b"1"}, None, "Say hello")
        facts = repositories.facts(APP, made)
        assert (facts.commit, facts.subject) == (made, "Say hello")
        assert facts.author.endswith("@example.com>")
        assert facts.committed_at.tzinfo is not None

    def test_a_tree_lists_all_its_files(self, repositories: Repositories, commit: Committer) -> None:
        made = commit({"a": b"1", "deep/er/b": b"four"})
        listed = [(entry.mode, entry.path, entry.size) for entry in repositories.entries(APP, made)]
        files = [entry for entry in listed if entry[0] != "040000"]
        assert files == [("100644", "a", 1), ("100644", "deep/er/b", 4)]

    def test_ancestors_are_told_from_strangers(self, repositories: Repositories, commit: Committer) -> None:
        first = commit({"a": b"1"})
        second = commit({"a": b"2"}, first)
        other = commit({"b": b"1"}, None, "Elsewhere")
        unknown = "f" * 40
        assert repositories.ancestors_among(APP, second, [first, other, second, unknown]) == [first, second]

    def test_a_source_is_a_tar_file_with_its_hash(
        self, repositories: Repositories, commit: Committer, tmp_path: Path
    ) -> None:
        made = commit({"a": b"1", "b/c": b"hello"})
        sha256, size = repositories.archive(APP, made, tmp_path / "source.tar")
        packed = (tmp_path / "source.tar").read_bytes()
        assert (sha256, size) == (hashlib.sha256(packed).hexdigest(), len(packed))
        with tarfile.open(tmp_path / "source.tar") as archive:
            files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}  # type: ignore[union-attr]
        assert files == {"a": b"1", "b/c": b"hello"}

    def test_a_removed_repository_is_gone_and_may_be_removed_again(
        self, repositories: Repositories, commit: Committer
    ) -> None:
        repositories.move(APP, "refs/heads/main", None, commit({"a": b"1"}))
        repositories.remove(APP)
        repositories.remove(APP)
        assert repositories.branch(APP, "main") is None
