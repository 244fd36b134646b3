from __future__ import annotations

import os
import resource
from pathlib import Path

from paas.adapters.inotify import FolderWatch
from tests.openfiles import inotify_instances
from tests.waiting import PATIENCE, wait_until


def test_growth_wakes_and_a_touch_is_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "1.log"
    file.parent.mkdir()
    file.write_text("x")
    with FolderWatch().subscribe(file) as subscription:
        assert not subscription.wait(0.01)
        with file.open("a") as grown:
            grown.write("y")
        assert subscription.wait(PATIENCE)
        assert not subscription.take()
        os.utime(file)
        assert subscription.wait(PATIENCE)
        assert subscription.take()
        assert not subscription.wait(0.01)


def test_other_files_wake_nobody(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "1.log"
    file.parent.mkdir()
    with FolderWatch().subscribe(file) as subscription:
        (file.parent / "2.log").write_text("x")
        assert not subscription.wait(0.05)


def test_a_folder_that_is_made_later_is_watched_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "later" / "1.log"
    with FolderWatch().subscribe(file) as subscription:
        file.parent.mkdir()
        assert subscription.wait(PATIENCE)
        assert subscription.take()
        file.write_text("x")
        assert subscription.wait(PATIENCE)


def test_a_removed_folder_is_watched_again_when_it_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "1.log"
    file.parent.mkdir()
    with FolderWatch().subscribe(file) as subscription:
        file.parent.rmdir()
        subscription.wait(PATIENCE)
        file.parent.mkdir()
        while subscription.wait(0.2):
            subscription.take()
        file.write_text("x")
        assert subscription.wait(PATIENCE)


def test_watches_end_with_their_last_reader(tmp_path: Path) -> None:
    watch = FolderWatch()
    file = tmp_path / "logs" / "1.log"
    file.parent.mkdir()
    with watch.subscribe(file):
        with watch.subscribe(file):
            pass
        assert watch._watches.keys() == {tmp_path, file.parent}
    assert not watch._watches
    assert not watch._readers


def test_without_an_instance_of_inotify_readers_still_look_at_each_time_out(tmp_path: Path) -> None:
    """128 instances per user are Linux's default, and root's processes share them."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    watch = FolderWatch()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with watch.subscribe(tmp_path / "1.log") as subscription:
            assert not subscription.wait(0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    with watch.subscribe(tmp_path / "1.log") as subscription:  # and have one again as soon as there is one
        (tmp_path / "1.log").write_text("x")
        assert subscription.wait(PATIENCE)


def test_the_instance_ends_with_the_last_reader_and_the_next_one_has_another(tmp_path: Path) -> None:
    watch = FolderWatch()
    before = inotify_instances()
    for text in ("x", "y"):
        with watch.subscribe(tmp_path / "1.log") as subscription:
            (tmp_path / "1.log").write_text(text)
            assert subscription.wait(PATIENCE)
        wait_until(lambda: inotify_instances() <= before)
