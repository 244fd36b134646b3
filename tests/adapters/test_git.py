from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.adapters.git import GitRepositories
from paas.errors import BadInputError, NotFoundError, UnavailableError
from tests.contracts.repositories import APP, Committer, RepositoriesContract

ASSETS = Path(__file__).parents[2] / "deploy" / "git"
PERSON = {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.com"}
PERSON |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in PERSON.items()}


def make(root: Path, user: str = "") -> GitRepositories:
    return GitRepositories(root, ASSETS, user or getpass.getuser(), push_limit=1_000_000)


def git(folder: Path, *words: str, stdin: bytes = b"") -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **PERSON}
    done = subprocess.run(["git", *words], cwd=folder, env=environment, input=stdin, check=True, capture_output=True)
    return done.stdout.decode().strip()


def tree(folder: Path, *entries: str) -> str:
    """A tree from lines of `git ls-tree`, unlikely ones too."""
    return git(folder, "mktree", "--missing", stdin="".join(f"{entry}\n" for entry in entries).encode())


@pytest.fixture
def repositories(tmp_path: Path) -> GitRepositories:
    made = make(tmp_path)
    made.create(APP)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / f"{APP}.git"


@pytest.fixture
def commit(repositories: GitRepositories, folder: Path) -> Committer:
    def make_commit(files: dict[str, bytes], parent: str | None = None, subject: str = "A change") -> str:
        index = folder / "test-index"
        for path, body in files.items():
            name = git(folder, "hash-object", "-w", "--stdin", stdin=body)
            subprocess.run(
                ["git", "update-index", "--add", "--cacheinfo", f"100644,{name},{path}"],
                cwd=folder, env={**os.environ, "GIT_INDEX_FILE": str(index), "GIT_DIR": "."}, check=True,
            )  # fmt: skip
        written = subprocess.run(
            ["git", "write-tree"], cwd=folder, env={**os.environ, "GIT_INDEX_FILE": str(index), "GIT_DIR": "."},
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        index.unlink()
        return git(folder, "commit-tree", written, *(["-p", parent] if parent else []), "-m", subject)

    return make_commit


class TestGitRepositories(RepositoriesContract):
    pass


def test_two_first_pushes_at_once_make_one_whole_repository(tmp_path: Path) -> None:
    made = make(tmp_path)
    failures: list[BaseException] = []

    def create() -> None:
        try:
            made.create(APP)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [path.name for path in tmp_path.iterdir()] == [f"{APP}.git"]
    assert "export-ignore" in (tmp_path / f"{APP}.git" / "info" / "attributes").read_text()


def test_attributes_of_the_pushed_tree_neither_leave_files_out_nor_rewrite_them(
    repositories: GitRepositories, commit: Committer, tmp_path: Path
) -> None:
    files = {".gitattributes": b"* export-ignore\nsub export-subst\n", "secret": b"kept", "sub": b"$Format:%H$"}
    repositories.archive(APP, commit(files), tmp_path / "source.tar")
    with tarfile.open(tmp_path / "source.tar") as archive:
        assert {member.name for member in archive} == set(files)
        extracted = archive.extractfile("sub")
        assert extracted is not None and extracted.read() == b"$Format:%H$"


def test_gitlinks_and_symlinks_are_listed_with_their_modes(repositories: GitRepositories, folder: Path) -> None:
    target = git(folder, "hash-object", "-w", "--stdin", stdin=b"/etc/passwd")
    made = tree(folder, f"120000 blob {target}\tProcfile", f"160000 commit {'1' * 40}\tvendor")
    name = git(folder, "commit-tree", made, "-m", "x")
    assert [(entry.mode, entry.path, entry.size) for entry in repositories.entries(APP, name)] == [
        ("120000", "Procfile", 11),
        ("160000", "vendor", 0),
    ]


@pytest.mark.parametrize(("date", "year"), [("1700000000 +9999", 2023), ("9999999999999 +0000", 9999)])
def test_a_commit_with_an_impossible_date_passes_fsck_and_has_one_here(
    repositories: GitRepositories, folder: Path, date: str, year: int
) -> None:
    text = f"tree {tree(folder)}\nauthor A <a@b> {date}\ncommitter A <a@b> {date}\n\nx\n"
    name = git(folder, "hash-object", "-w", "-t", "commit", "--stdin", stdin=text.encode())
    assert repositories.facts(APP, name).committed_at.year == year


@pytest.mark.parametrize("files", [10, 0])
def test_a_tree_that_describes_billions_of_files_is_read_as_far_as_is_asked(
    repositories: GitRepositories, folder: Path, files: int
) -> None:
    name = git(folder, "hash-object", "-w", "--stdin", stdin=b"x")
    made = tree(folder, *(f"100644 blob {name}\tf{number}" for number in range(files)))
    for _ in range(10):
        made = tree(folder, *(f"040000 tree {made}\td{number}" for number in range(10)))
    entries = repositories.entries(APP, git(folder, "commit-tree", made, "-m", "bomb"))
    assert sum(1 for _ in zip(range(5_000), entries, strict=False)) == 5_000
    entries.close()  # type: ignore[attr-defined]


def test_contents_of_blobs_come_in_the_order_asked_for(repositories: GitRepositories, folder: Path) -> None:
    names = [git(folder, "hash-object", "-w", "--stdin", stdin=body) for body in (b"one\n", b"", b"th\0ree")]
    assert list(repositories.blobs(APP, names)) == [b"one\n", b"", b"th\0ree"]
    assert list(repositories.blobs(APP, [])) == []


def test_a_quarantine_is_looked_into_only_where_git_makes_one(
    repositories: GitRepositories, folder: Path, tmp_path: Path
) -> None:
    for elsewhere in (tmp_path / "tmp_objdir-x", folder / "objects" / "pack", Path("/etc")):
        with pytest.raises(ValueError, match="quarantine"):
            list(repositories.entries(APP, "a" * 40, elsewhere))


@pytest.mark.parametrize("name", ["--upload-pack=x", "HEAD", "main", "a" * 39, "A" * 40, "a" * 40 + "\n", ""])
def test_only_object_names_are_asked_about(repositories: GitRepositories, name: str) -> None:
    with pytest.raises(ValueError, match="object name"):
        repositories.facts(APP, name)


@pytest.mark.parametrize("app_id", ["../x", "", "blog/..", "BLOG", "blog\n"])
def test_only_app_ids_name_repositories(repositories: GitRepositories, app_id: str) -> None:
    with pytest.raises(ValueError, match="app id"):
        repositories.create(app_id)


def test_an_unknown_commit_is_not_found(repositories: GitRepositories, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        repositories.facts(APP, "f" * 40)
    with pytest.raises(NotFoundError):
        repositories.archive(APP, "f" * 40, tmp_path / "x.tar")


def test_what_a_commit_says_reaches_terminals_as_one_harmless_line(
    repositories: GitRepositories, commit: Committer
) -> None:
    facts = repositories.facts(APP, commit({"a": b"1"}, None, "\x1b[2Jboo \x07 " + "x" * 500))
    assert facts.subject.isprintable() and len(facts.subject) <= 200


def test_a_tree_and_a_file_are_not_commits_and_a_tag_is_told_by_its_commit(
    repositories: GitRepositories, folder: Path, commit: Committer
) -> None:
    made = commit({"a": b"1"})
    for name in (f"{made}^{{tree}}", f"{made}:a"):
        with pytest.raises(BadInputError, match="is not a commit"):
            repositories.facts(APP, git(folder, "rev-parse", name))
    git(folder, "tag", "-a", "v1", "-m", "one", made)
    assert repositories.facts(APP, git(folder, "rev-parse", "v1")).commit == made


def test_of_a_commit_whose_parents_are_missing_the_facts_are_known(repositories: GitRepositories, folder: Path) -> None:
    lines = (f"tree {tree(folder)}", f"parent {'1' * 40}", "author A <a@b.c> 0 +0000", "committer A <a@b.c> 0 +0000")
    made = git(folder, "hash-object", "-t", "commit", "-w", "--stdin", stdin="\n".join([*lines, "", "x"]).encode())
    assert repositories.facts(APP, made).subject == "x"


def test_a_clone_checks_out_the_deploy_branch(repositories: GitRepositories, folder: Path) -> None:
    repositories.point_head(APP, "release")
    assert (folder / "HEAD").read_text() == "ref: refs/heads/release\n"


def test_nothing_of_this_machines_configuration_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repositories: GitRepositories, commit: Committer
) -> None:
    made = commit({"a": b"1"})
    (tmp_path / ".gitconfig").write_text("[core]\n\tbare = nonsense\n[broken")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert repositories.facts(APP, made).commit == made


def test_an_unknown_system_user_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no system user nobody-at-all"):
        make(tmp_path, "nobody-at-all")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach and owns."""
    folder = Path(tempfile.mkdtemp(prefix="paas-test-git-", dir="/tmp"))
    folder.chmod(0o711)
    (folder / "repositories").mkdir()
    os.chown(folder / "repositories", pwd.getpwnam("nobody").pw_uid, -1)
    yield folder / "repositories"
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_runs_git_as_the_owner_of_the_repositories(open_folder: Path) -> None:
    made = make(open_folder, "nobody")
    path = made.create(APP)
    assert {entry.stat().st_uid for entry in path.rglob("*")} == {pwd.getpwnam("nobody").pw_uid}
    assert made.branch(APP, "main") is None
    made.remove(APP)
    assert not path.exists()
