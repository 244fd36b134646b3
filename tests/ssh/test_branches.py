"""Refs follow the rows when the push that should have moved them is gone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from paas.model import App, BranchTag
from paas.ssh.branches import INBOX_LIFETIME, INTERVAL, BranchFollower, sweep_inbox
from tests.ssh.door import Door, Person
from tests.waiting import wait_until

FILES = {"index.html": "hello\n"}


@pytest.fixture
def app(door: Door, ana: Person) -> App:
    return door.app("blog", ana="deploy")


def push_objects(door: Door, ana: Person, app: App, folder: Path) -> list[str]:
    """Two commits whose objects are in the app's repository; no ref names them."""
    work = ana.repository(folder, FILES)
    first = ana.git("rev-parse", "HEAD", cwd=work).stdout.strip()
    second = ana.commit(work, {"index.html": "more\n"})
    path = door.platform.repositories.create(app.id)
    ana.git("push", "-q", str(path), "HEAD:refs/keep/it", cwd=work)
    return [first, second]


def set_rows(door: Door, app: App, branch: str, commit: str, **tags: str) -> None:
    with door.database.write() as session:
        row = session.merge(app)
        row.deploy_branch, row.branch_commit = branch, commit
        for name, target in tags.items():
            session.add(BranchTag(app_id=app.id, ref=f"refs/tags/{name}", commit=target, job_id=1))


def test_a_branch_that_lags_is_moved(door: Door, ana: Person, app: App, tmp_path: Path) -> None:
    first, second = push_objects(door, ana, app, tmp_path / "work")
    follower = BranchFollower(door.platform)
    set_rows(door, app, "main", first)
    follower.follow()
    assert door.platform.repositories.branch(app.id, "main") == first
    set_rows(door, app, "main", second, v1=first)
    follower.follow()
    refs = door.platform.repositories.refs(app.id)
    assert (refs["refs/heads/main"], refs["refs/tags/v1"]) == (second, first)


def test_the_running_door_does_so_by_itself(door: Door, ana: Person, app: App, tmp_path: Path) -> None:
    first, _ = push_objects(door, ana, app, tmp_path / "work")
    set_rows(door, app, "main", first)
    wait_until(lambda: door.platform.repositories.branch(app.id, "main") == first)
    assert INTERVAL < 5  # what is promised


def test_a_commit_that_is_not_there_harms_no_other_app(door: Door, ana: Person, app: App, tmp_path: Path) -> None:
    first, _ = push_objects(door, ana, app, tmp_path / "work")
    other = door.app("aaa")
    set_rows(door, other, "main", "f" * 40)
    set_rows(door, app, "main", first)
    BranchFollower(door.platform).follow()
    assert door.platform.repositories.branch(app.id, "main") == first


def test_what_former_pushes_left_in_the_inbox_goes(door: Door) -> None:
    inbox = door.platform.settings.folder("inbox", "ssh")
    for name in ("old.tar", "new.tar"):
        (inbox / name).write_bytes(b"x")
    past = time.time() - INBOX_LIFETIME - 1
    os.utime(inbox / "old.tar", (past, past))
    sweep_inbox(door.platform)
    assert [path.name for path in inbox.iterdir()] == ["new.tar"]
