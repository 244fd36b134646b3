"""Clone, fetch and push by the real git: who may, in which forms, and what becomes of the streams."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from paas.model import App, select
from paas.ssh.receive import ARCHIVE, CHUNK, read_greeting
from tests.ssh.door import Door, Person, open_door
from tests.waiting import PATIENCE, wait_until

FILES = {"index.html": "hello\n", "Procfile": "web: serve\n"}


@pytest.fixture
def work(ana: Person, tmp_path: Path) -> Path:
    return ana.repository(tmp_path / "work", FILES)


def branch(door: Door, app: App, name: str = "main") -> str | None:
    return door.platform.repositories.branch(app.id, name)


@pytest.mark.parametrize(
    "remote",
    [
        "ssh://paas@127.0.0.1:{port}/blog",
        "ssh://paas@127.0.0.1:{port}/blog.git",
        "ssh://paas@127.0.0.1:{port}/~/blog",
        "paas@127.0.0.1:blog",
        "paas@127.0.0.1:/blog.git",
        "paas@127.0.0.1:~/blog",
        "paas@127.0.0.1:~paas/blog",
    ],
)
def test_an_app_is_pushed_to_and_cloned_in_every_form_of_its_address(
    door: Door, ana: Person, work: Path, tmp_path: Path, remote: str
) -> None:
    door.app("blog", ana="deploy")
    address = remote.format(port=door.port)
    pushed = ana.git("push", address, "main", cwd=work)
    assert pushed.returncode == 0, pushed.stderr
    cloned = ana.git("clone", "-q", address, "again", cwd=tmp_path)
    assert cloned.returncode == 0, cloned.stderr
    assert (tmp_path / "again" / "index.html").read_text() == "hello\n"


def test_an_app_without_a_push_clones_as_an_empty_repository(door: Door, ana: Person, tmp_path: Path) -> None:
    door.app("blog", ana="view")
    cloned = ana.git("clone", f"ssh://paas@127.0.0.1:{door.port}/blog", cwd=tmp_path)
    assert cloned.returncode == 0
    assert "empty repository" in cloned.stderr


def test_a_fetch_brings_what_was_deployed(door: Door, ana: Person, work: Path, tmp_path: Path) -> None:
    door.app("blog", ana="deploy")
    ana.git("push", "paas", "main", cwd=work)
    ana.git("clone", "-q", f"ssh://paas@127.0.0.1:{door.port}/blog", "again", cwd=tmp_path)
    newest = ana.commit(work, {"index.html": "newer\n"})
    ana.git("push", "paas", "main", cwd=work)
    assert ana.git("fetch", "-q", cwd=tmp_path / "again").returncode == 0
    assert ana.git("rev-parse", "origin/main", cwd=tmp_path / "again").stdout.strip() == newest


def test_gits_protocol_version_2_is_spoken(door: Door, ana: Person, tmp_path: Path) -> None:
    door.app("blog", ana="view")
    listed = ana.with_options("-o", "SendEnv=GIT_PROTOCOL")
    asked = listed.git(
        "-c", "protocol.version=2", "ls-remote", f"ssh://paas@127.0.0.1:{door.port}/blog", cwd=tmp_path
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_partial_clone_fetches_what_it_lacks_in_every_version_of_the_protocol(
    door: Door, ana: Person, work: Path, tmp_path: Path, version: int
) -> None:
    door.app("blog", ana="deploy")
    ana.commit(work, {"index.html": "newer\n"})
    assert ana.git("push", "paas", "main", cwd=work).returncode == 0
    address, speak = f"ssh://paas@127.0.0.1:{door.port}/blog", ("-c", f"protocol.version={version}")
    cloned = ana.git(*speak, "clone", "-q", "--filter=blob:none", address, "part", cwd=tmp_path)
    assert cloned.returncode == 0, cloned.stderr
    looked = ana.git(*speak, "show", "HEAD~1:index.html", cwd=tmp_path / "part")
    assert looked.stdout == "hello\n", looked.stderr


def test_who_may_only_view_clones_but_does_not_push(door: Door, ana: Person, work: Path) -> None:
    door.app("blog", ana="view")
    pushed = ana.git("push", "paas", "main", cwd=work)
    assert pushed.returncode == 128
    assert "right to deploy on blog" in pushed.stderr
    assert ana.git("ls-remote", "paas", cwd=work).returncode == 0


def test_what_is_not_there_and_what_is_not_theirs_get_the_same_answer(door: Door, ana: Person, tmp_path: Path) -> None:
    door.app("blog")
    answers = [ana.ssh("git-upload-pack", f"'{name}'") for name in ("blog", "none")]
    assert [answer.returncode for answer in answers] == [20, 20]
    assert answers[0].stderr == answers[1].stderr.replace("none", "blog")
    assert "App blog does not exist" in answers[0].stderr


def test_somebody_elses_app_is_not_pushed_to(door: Door, ana: Person, work: Path) -> None:
    app = door.app("blog")
    pushed = ana.git("push", "paas", "main", cwd=work)
    assert pushed.returncode == 128
    assert "App blog does not exist" in pushed.stderr
    assert branch(door, app) is None


def test_a_push_to_an_unknown_app_creates_it_and_says_so(door: Door, ana: Person, work: Path) -> None:
    pushed = ana.git("push", "paas", "main", cwd=work)
    assert pushed.returncode == 0, pushed.stderr
    assert "-----> Created app blog" in pushed.stderr
    with door.database.read() as session:
        app = session.scalar(select(App).where(App.name == "blog"))
    assert app is not None and app.created_by == ana.user_id


def test_a_name_that_no_app_may_have_is_explained(door: Door, ana: Person, work: Path) -> None:
    pushed = ana.git("push", f"ssh://paas@127.0.0.1:{door.port}/My_App", "main", cwd=work)
    assert pushed.returncode == 128
    assert "[app-name]" in pushed.stderr


def test_apps_are_not_created_by_pushes_when_the_setting_says_so(tmp_path: Path, host_keys: Path) -> None:
    with open_door(tmp_path, host_keys, create_app_on_push=False) as door:
        ana = door.person("ana")
        pushed = ana.git("push", "paas", "main", cwd=ana.repository(tmp_path / "work", FILES))
        assert pushed.returncode == 128
        assert "App blog does not exist" in pushed.stderr


def test_a_locked_app_takes_no_push(door: Door, ana: Person, work: Path) -> None:
    app = door.app("blog", ana="deploy")
    with door.database.write() as session:
        session.merge(app).is_locked = True
    pushed = ana.git("push", "paas", "main", cwd=work)
    assert pushed.returncode == 128
    assert "apps:unlock blog" in pushed.stderr


def test_archives_are_not_served(door: Door, ana: Person) -> None:
    door.app("blog", ana="view")
    asked = ana.ssh(ARCHIVE, "'blog'")
    assert asked.returncode == 1
    assert "not offered" in asked.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_pusher_who_leaves_does_not_stop_the_deploy(door: Door, ana: Person, work: Path, how: signal.Signals) -> None:
    app = door.app("blog", ana="deploy")
    begun, go_on = threading.Event(), threading.Event()

    def deploy(order, say) -> None:
        say("-----> Building")
        begun.set()
        go_on.wait(PATIENCE)
        for number in range(2_000):  # more than any pipe on the way holds
            say(f"line {number} " + "x" * 200)

    door.worker.deploy = deploy
    pushing = ana.start_git("push", "paas", "main", cwd=work)
    assert begun.wait(PATIENCE)
    os.killpg(pushing.pid, how)
    assert pushing.communicate(timeout=PATIENCE) and pushing.returncode != 0
    assert not go_on.is_set()  # the pusher is gone, the deploy is in its middle
    go_on.set()
    head = ana.git("rev-parse", "HEAD", cwd=work).stdout.strip()
    wait_until(lambda: branch(door, app) == head)


def test_a_push_that_breaks_off_while_it_is_sent_changes_nothing(door: Door, ana: Person, work: Path) -> None:
    app = door.app("blog", ana="deploy")
    asked = ana.ssh("git-receive-pack", "'blog'", stdin="00a0" + "0" * 40)
    assert asked.returncode != 0
    assert branch(door, app) is None
    assert door.worker.orders == []


def test_a_push_over_the_limit_is_refused(tmp_path: Path, host_keys: Path) -> None:
    with open_door(tmp_path, host_keys, push_limit=100_000) as door:
        ana = door.person("ana")
        work = ana.repository(tmp_path / "work", FILES)
        (work / "big").write_bytes(os.urandom(300_000))
        ana.commit(work, {})
        pushed = ana.git("push", "paas", "main", cwd=work)
        assert pushed.returncode != 0
        assert "exceeds maximum" in pushed.stderr
        assert "[git-refused]" in pushed.stderr and "PAAS_PUSH_LIMIT" in pushed.stderr
        assert door.worker.orders == []


def test_git_s_greeting_is_read_as_one_piece_however_git_writes_it() -> None:
    out, into = os.pipe()
    writers = [threading.Timer(delay, os.write, (into, data)) for delay, data in ((0, b"0007abc"), (0.2, b"0000"))]
    for writer in writers:
        writer.start()
    assert read_greeting(out) == b"0007abc0000"
    os.write(into, b"000eERR no way")
    os.close(into)
    assert read_greeting(out) == b"000eERR no way"  # git left
    os.close(out)


def test_a_client_that_speaks_first_does_not_have_a_whole_pack_kept_in_memory(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.write_bytes(b"1" * 5 * CHUNK)
    with pack.open("rb") as out:
        assert len(read_greeting(out.fileno())) <= 2 * CHUNK


def test_a_repository_of_sha_256_objects_is_refused_with_the_reason(door: Door, ana: Person, tmp_path: Path) -> None:
    ana.git("init", "-q", "--object-format=sha256", "work", cwd=tmp_path)
    ana.commit(tmp_path / "work", FILES)
    pushed = ana.git("push", f"ssh://paas@127.0.0.1:{door.port}/blog", "HEAD:main", cwd=tmp_path / "work")
    assert pushed.returncode == 128
    assert "SHA-256: these are not taken  [nothing-pushed]" in pushed.stderr
