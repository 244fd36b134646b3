"""What a push becomes, as the pusher sees it: real git, a real door, a worker that does as it is told."""

from __future__ import annotations

import hashlib
import tarfile
import threading
from pathlib import Path

import pytest

from paas.errors import BuildError, DeployError
from paas.model import App, Source
from paas.rules.jobs import Deploy
from tests.ssh.door import Door, Person, open_door
from tests.waiting import PATIENCE

FILES = {"index.html": "hello\n", "Procfile": "web: serve\n"}


@pytest.fixture
def app(door: Door, ana: Person) -> App:
    return door.app("blog", ana="deploy")


@pytest.fixture
def work(ana: Person, tmp_path: Path) -> Path:
    return ana.repository(tmp_path / "work", FILES)


def refs(door: Door, app: App) -> dict[str, str]:
    return door.platform.repositories.refs(app.id)


def test_the_source_of_a_push_is_a_tar_file_in_the_inbox(door: Door, ana: Person, app: App, work: Path) -> None:
    seen: list[tuple[Source, bytes, list[str]]] = []

    def deploy(order: Deploy, say) -> None:
        with door.database.read() as session:
            source = session.get(Source, order.source_id)
        assert source is not None
        file = door.platform.settings.folder("inbox", "ssh", source.file)
        with tarfile.open(file) as archive:
            seen.append((source, file.read_bytes(), sorted(archive.getnames())))

    door.worker.deploy = deploy
    assert ana.git("push", "paas", "main", cwd=work).returncode == 0
    [(source, packed, names)] = seen
    assert names == ["Procfile", "index.html"]
    assert (source.sha256, source.size) == (hashlib.sha256(packed).hexdigest(), len(packed))
    assert (source.branch, source.subject, source.author) == ("main", "A change", "Ana <ana@example.com>")
    assert list(door.platform.settings.folder("inbox", "ssh").iterdir()) == []


def test_lines_of_the_deploy_stream_to_the_pusher_as_they_come(door: Door, ana: Person, app: App, work: Path) -> None:
    go_on = threading.Event()

    def deploy(order: Deploy, say) -> None:
        say("-----> Building")
        assert go_on.wait(PATIENCE)
        say("-----> \x1b[32mDone\x1b[0m")

    door.worker.deploy = deploy
    pushing = ana.start_git("push", "paas", "main", cwd=work)
    assert pushing.stdout is not None
    assert "remote: -----> Building" in pushing.stdout.readline()
    go_on.set()
    rest, _ = pushing.communicate(timeout=PATIENCE)
    assert "remote: -----> Done" in rest
    assert pushing.returncode == 0


def test_the_branch_moves_once_the_release_is_current(door: Door, ana: Person, app: App, work: Path) -> None:
    during: list[dict[str, str]] = []
    door.worker.deploy = lambda order, say: during.append(refs(door, app))
    assert ana.git("push", "paas", "main", cwd=work).returncode == 0
    head = ana.git("rev-parse", "HEAD", cwd=work).stdout.strip()
    assert during == [{}]
    assert refs(door, app) == {"refs/heads/main": head}


def test_a_push_whose_deploy_fails_is_refused_with_the_reason(door: Door, ana: Person, app: App, work: Path) -> None:
    def deploy(order: Deploy, say) -> None:
        say("-----> Building")
        raise BuildError("build failed: no such package", "check requirements.txt")

    door.worker.deploy = deploy
    pushed = ana.git("push", "paas", "main", cwd=work)
    assert pushed.returncode == 1
    assert "[remote rejected] main -> main (build failed: no such package)" in pushed.stderr
    assert "remote:  !     check requirements.txt" in pushed.stderr
    assert refs(door, app) == {}


def test_a_refused_push_may_be_pushed_again(door: Door, ana: Person, app: App, work: Path) -> None:
    answers = iter([DeployError("release failed: exit code 1"), None])

    def deploy(order: Deploy, say) -> None:
        if error := next(answers):
            raise error

    door.worker.deploy = deploy
    assert ana.git("push", "paas", "main", cwd=work).returncode == 1
    again = ana.git("push", "paas", "main", cwd=work)
    assert again.returncode == 0, again.stderr


def test_an_up_to_date_push_does_nothing(door: Door, ana: Person, app: App, work: Path) -> None:
    ana.git("push", "paas", "main", cwd=work)
    again = ana.git("push", "paas", "main", cwd=work)
    assert "Everything up-to-date" in again.stderr
    assert "to build the deployed commit again: ps:rebuild blog" in again.stderr
    assert len(door.worker.orders) == 1


def test_a_forced_push_deploys(door: Door, ana: Person, app: App, work: Path) -> None:
    ana.git("push", "paas", "main", cwd=work)
    ana.git("commit", "--amend", "-q", "-m", "Another", cwd=work)
    assert ana.git("push", "paas", "main", cwd=work).returncode == 1
    forced = ana.git("push", "--force", "paas", "main", cwd=work)
    assert forced.returncode == 0, forced.stderr
    assert refs(door, app)["refs/heads/main"] == ana.git("rev-parse", "HEAD", cwd=work).stdout.strip()


def test_other_branches_refuse_only_themselves(door: Door, ana: Person, app: App, work: Path) -> None:
    pushed = ana.git("push", "paas", "main", "HEAD:refs/heads/topic", cwd=work)
    assert pushed.returncode == 1
    assert "main -> main" in pushed.stderr
    assert "(only main is deployed: git push paas topic:main, or git:set blog deploy-branch topic)" in pushed.stderr
    assert list(refs(door, app)) == ["refs/heads/main"]


@pytest.mark.parametrize("name", ["$(touch$IFS/tmp/paas-owned)", "--upload-pack=x", "`id`;id"])
def test_odd_branch_names_are_words_and_nothing_more(door: Door, ana: Person, app: App, work: Path, name: str) -> None:
    refused = ana.git("push", "paas", f"HEAD:refs/heads/{name}", cwd=work)
    assert refused.returncode == 1
    assert "only main or master is deployed at first" in refused.stderr
    with door.database.write() as session:
        session.merge(app).deploy_branch = name
    taken = ana.git("push", "paas", f"HEAD:refs/heads/{name}", cwd=work)
    assert taken.returncode == 0, taken.stderr
    assert list(refs(door, app)) == [f"refs/heads/{name}"]
    assert not Path("/tmp/paas-owned").exists()


def test_the_first_of_main_and_master_becomes_the_deploy_branch(
    door: Door, ana: Person, app: App, tmp_path: Path
) -> None:
    work = ana.repository(tmp_path / "old", FILES, branch="master")
    assert ana.git("push", "paas", "master", cwd=work).returncode == 0
    refused = ana.git("push", "paas", "master:main", cwd=work)
    assert "only master is deployed" in refused.stderr
    ana.git("clone", "-q", f"ssh://paas@127.0.0.1:{door.port}/blog", "again", cwd=tmp_path)
    assert (tmp_path / "again" / "index.html").exists()


def test_the_deploy_branch_is_not_deleted(door: Door, ana: Person, app: App, work: Path) -> None:
    ana.git("push", "paas", "main", cwd=work)
    pushed = ana.git("push", "paas", ":main", cwd=work)
    assert pushed.returncode == 1
    assert "apps:destroy blog" in pushed.stderr
    assert "refs/heads/main" in refs(door, app)


def test_tags_pushed_along_are_kept_when_the_deploy_succeeded(door: Door, ana: Person, app: App, work: Path) -> None:
    ana.git("tag", "-a", "v1", "-m", "one", cwd=work)
    door.worker.deploy = _fail
    assert ana.git("push", "--follow-tags", "paas", "main", cwd=work).returncode == 1
    assert refs(door, app) == {}
    door.worker.deploy = lambda order, say: None
    assert ana.git("push", "--follow-tags", "paas", "main", cwd=work).returncode == 0
    assert set(refs(door, app)) == {"refs/heads/main", "refs/tags/v1"}


def test_tags_alone_are_refused_and_told_what_works(door: Door, ana: Person, app: App, work: Path) -> None:
    ana.git("tag", "v1", cwd=work)
    pushed = ana.git("push", "paas", "v1", cwd=work)
    assert pushed.returncode == 1
    assert "tags are kept with a deploy" in pushed.stderr


def test_an_atomic_push_moves_all_or_nothing(door: Door, ana: Person, app: App, work: Path) -> None:
    pushed = ana.git("push", "--atomic", "paas", "main", "HEAD:refs/heads/topic", cwd=work)
    assert pushed.returncode == 1
    assert refs(door, app) == {} and door.worker.orders == []
    ana.git("tag", "v1", cwd=work)
    assert ana.git("push", "--atomic", "paas", "main", "v1", cwd=work).returncode == 0
    assert set(refs(door, app)) == {"refs/heads/main", "refs/tags/v1"}


def test_push_options_reach_the_build_and_unknown_ones_are_named(door: Door, ana: Person, app: App, work: Path) -> None:
    refused = ana.git("push", "-o", "no-cash", "paas", "main", cwd=work)
    assert refused.returncode == 1
    assert "Unknown push option 'no-cash'" in refused.stderr
    assert ana.git("push", "-o", "no-cache", "paas", "main", cwd=work).returncode == 0
    assert [order.no_cache for order in door.worker.orders] == [True]


def test_a_second_push_is_told_its_place_and_a_newer_one_takes_it(
    door: Door, ana: Person, app: App, work: Path
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def deploy(order: Deploy, say) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    door.worker.deploy = deploy
    first = ana.start_git("push", "paas", "main", cwd=work)
    assert begun.wait(PATIENCE)
    ana.commit(work, {"index.html": "second\n"})
    second = ana.start_git("push", "paas", "main", cwd=work)
    assert second.stdout is not None
    assert "Queued as number 2" in second.stdout.readline()
    newest = ana.commit(work, {"index.html": "third\n"})
    third = ana.start_git("push", "paas", "main", cwd=work)
    assert third.stdout is not None
    assert "Takes the place of an older push" in third.stdout.readline()
    go_on.set()
    outputs = [pushing.communicate(timeout=PATIENCE)[0] for pushing in (first, second, third)]
    assert [first.returncode, second.returncode, third.returncode] == [0, 1, 0], outputs
    assert "A newer push took its place" in outputs[1]
    assert refs(door, app)["refs/heads/main"] == newest
    assert [order.push.descends_from for order in door.worker.orders if order.push] != [(), ()]


def test_of_two_unrelated_pushes_at_once_the_second_is_told_to_fetch(
    door: Door, ana: Person, app: App, work: Path, tmp_path: Path
) -> None:
    other = ana.repository(tmp_path / "other", {"index.html": "mine\n"})
    begun, go_on = threading.Event(), threading.Event()

    def deploy(order: Deploy, say) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    door.worker.deploy = deploy
    first = ana.start_git("push", "paas", "main", cwd=work)
    assert begun.wait(PATIENCE)
    second = ana.start_git("push", "paas", "main", cwd=other)
    assert second.stdout is not None
    second.stdout.readline()
    go_on.set()
    first.communicate(timeout=PATIENCE)
    said, _ = second.communicate(timeout=PATIENCE)
    assert (first.returncode, second.returncode) == (0, 1)
    assert "main moved while you waited: fetch and push again" in said
    assert refs(door, app)["refs/heads/main"] == ana.git("rev-parse", "HEAD", cwd=work).stdout.strip()


def test_a_tag_or_a_tree_does_not_become_the_branch(door: Door, ana: Person, app: App, work: Path) -> None:
    """The branch could not be moved there, and would have lagged behind its row for ever."""
    assert ana.git("push", "paas", "main", cwd=work).returncode == 0
    ana.git("tag", "-a", "v1", "-m", "one", cwd=work)
    for pushed, said in (("v1", "is an annotated tag"), ("HEAD^{tree}", "is not a commit")):
        name = ana.git("rev-parse", pushed, cwd=work).stdout.strip()
        refused = ana.git("push", "--force", "paas", f"{name}:refs/heads/main", cwd=work)
        assert refused.returncode == 1
        assert said in refused.stderr and "[not-a-commit]" in refused.stderr
    assert len(door.worker.orders) == 1
    ana.commit(work, {"index.html": "newer\n"})
    ana.git("tag", "-a", "v2", "-m", "two", cwd=work)
    assert ana.git("push", "paas", "v2^{}:main", cwd=work).returncode == 0


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone_is_refused_and_told_how_to_get_its_history(
    door: Door, ana: Person, app: App, work: Path, tmp_path: Path, depth: int
) -> None:
    for number in range(3):
        ana.commit(work, {"index.html": f"{number}\n"})
    shallow = _shallow_clone(ana, work, tmp_path, depth)
    refused = ana.git("push", str(ana.git("remote", "get-url", "paas", cwd=work).stdout.strip()), "main", cwd=shallow)
    assert refused.returncode == 1
    assert "[shallow-clone]" in refused.stderr and "git fetch --unshallow" in refused.stderr
    assert "fetch-depth: 0" in refused.stderr
    assert refs(door, app) == {} and door.worker.orders == []


def test_a_shallow_clone_that_ends_at_a_known_commit_is_deployed(
    door: Door, ana: Person, app: App, work: Path, tmp_path: Path
) -> None:
    ana.commit(work, {"index.html": "one\n"})
    ana.git("push", "paas", "main", cwd=work)
    shallow = _shallow_clone(ana, work, tmp_path, 1)
    head = ana.commit(shallow, {"index.html": "two\n"})
    address = ana.git("remote", "get-url", "paas", cwd=work).stdout.strip()
    pushed = ana.git("push", address, "main", cwd=shallow)
    assert pushed.returncode == 0, pushed.stderr
    assert refs(door, app)["refs/heads/main"] == head
    ana.git("clone", "-q", address, "again", cwd=tmp_path)
    assert len(ana.git("rev-list", "HEAD", cwd=tmp_path / "again").stdout.split()) == 3  # its history is whole


def test_ten_thousand_refs_are_counted_and_refused(door: Door, ana: Person, app: App, work: Path) -> None:
    head = ana.git("rev-parse", "HEAD", cwd=work).stdout.strip()
    tags = "".join(f"{head} refs/tags/{'long-' * 14}{number:05}\n" for number in range(10_000))
    (work / ".git" / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted\n{tags}")
    refused = ana.git("push", "--tags", "paas", "main", cwd=work)
    assert refused.returncode == 1
    assert "at most 1,000 refs, this one has 10,001  [too-many-refs]" in refused.stderr
    assert refs(door, app) == {}


def test_a_procfile_that_is_a_link_is_refused(door: Door, ana: Person, app: App, work: Path) -> None:
    (work / "Procfile").unlink()
    (work / "Procfile").symlink_to("/etc/passwd")
    ana.commit(work, {})
    _refused(door, ana, app, work, "Procfile is a symbolic link")


def test_submodules_are_refused_by_name(door: Door, ana: Person, app: App, work: Path) -> None:
    ana.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/lib", cwd=work)
    ana.git("commit", "-q", "-m", "submodule", cwd=work)
    _refused(door, ana, app, work, "Submodules are not fetched: vendor/lib")


def test_git_lfs_pointers_are_refused_by_name(door: Door, ana: Person, app: App, work: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 12345\n"
    ana.commit(work, {"logo.psd": pointer})
    _refused(door, ana, app, work, "Git LFS files are not fetched: logo.psd")


def test_large_files_are_refused_by_name(tmp_path: Path, host_keys: Path) -> None:
    with open_door(tmp_path, host_keys, file_limit=1_000) as door:
        ana = door.person("ana")
        work = ana.repository(tmp_path / "work", FILES | {"big.txt": "x" * 2_000})
        _refused(door, ana, door.app("blog", ana="deploy"), work, "big.txt has")


def test_a_source_that_cannot_be_written_refuses_the_push(door: Door, ana: Person, app: App, work: Path) -> None:
    door.platform.settings.folder("inbox", "ssh").rmdir()
    pushed = ana.git("push", "paas", "main", cwd=work)
    assert pushed.returncode == 1
    assert "(The source cannot be written: No such file or directory)" in pushed.stderr
    assert refs(door, app) == {} and door.worker.orders == []


def _refused(door: Door, ana: Person, app: App, work: Path, said: str) -> None:
    """Before anything leaves git's quarantine."""
    pushed = ana.git("push", "paas", "main", cwd=work)
    assert pushed.returncode == 1
    assert f"remote:  !     {said}" in pushed.stderr
    assert door.worker.orders == []
    objects = door.platform.settings.folder("repositories", f"{app.id}.git", "objects")
    assert [path for path in objects.rglob("*") if path.is_file()] == []


def _shallow_clone(ana: Person, work: Path, tmp_path: Path, depth: int) -> Path:
    ana.git("clone", "-q", f"--depth={depth}", f"file://{work}", "shallow", cwd=tmp_path)
    return tmp_path / "shallow"


def _fail(order: Deploy, say) -> None:
    raise DeployError("release failed: exit code 1")
