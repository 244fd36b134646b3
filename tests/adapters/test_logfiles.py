from __future__ import annotations

import contextlib
import resource
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.adapters.logfiles import LogFiles
from paas.errors import BadInputError, UnavailableError
from tests.contracts.logs import LogsContract
from tests.openfiles import inotify_instances

NAME = "abcdefgh/web.1.log"


class TestLogFiles(LogsContract):
    @pytest.fixture
    def logs(self, tmp_path: Path) -> LogFiles:
        (tmp_path / "logs").mkdir()  # as an installation has it
        return LogFiles(tmp_path / "logs")


@pytest.fixture
def small(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path / "logs", file_limit=1000, files_kept=3)


@contextlib.contextmanager
def no_more_descriptors() -> Iterator[None]:
    """This process cannot open anything."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def write_numbers(logs: LogFiles, count: int, name: str = NAME) -> None:
    writer = logs.writer(name)
    for number in range(count):
        writer.write(f"number {number}")
    writer.close()


def test_files_and_folders_are_for_the_group_to_read_only(tmp_path: Path) -> None:
    LogFiles(tmp_path / "logs").writer(NAME).write("x")
    assert stat.S_IMODE((tmp_path / "logs" / NAME).stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "logs/abcdefgh").stat().st_mode) == 0o2750


def test_offsets_count_on_through_rotations(small: LogFiles, tmp_path: Path) -> None:
    write_numbers(small, 200)
    text = "".join(f"number {number}\n" for number in range(200)).encode()
    assert small.size(NAME) == len(text)
    assert len(list((tmp_path / "logs" / f"{NAME}.d").iterdir())) == 2
    offset, seen = 0, b""
    while chunk := small.read(NAME, offset, limit=100):
        offset += len(chunk)
        seen += chunk
        assert chunk.endswith(b"\n")
    assert seen == text


def test_only_so_many_rotated_files_are_kept(small: LogFiles, tmp_path: Path) -> None:
    write_numbers(small, 1000)
    assert len(list((tmp_path / "logs" / f"{NAME}.d").iterdir())) == 3
    assert small.start(NAME) > 0
    first = small.read(NAME, 0)
    assert first == small.read(NAME, small.start(NAME))
    assert small.tail(NAME, 1) == ["number 999"]
    assert small.tail(NAME, 200)[0] == "number 800"  # rotated files included


def test_a_new_process_goes_on_where_the_last_one_rotated(small: LogFiles, tmp_path: Path) -> None:
    write_numbers(small, 200)
    again = LogFiles(tmp_path / "logs", file_limit=1000, files_kept=3)
    size = again.size(NAME)
    again.writer(NAME).write("more")
    assert again.size(NAME) == size + 5
    assert again.read(NAME, size) == b"more\n"


def test_following_through_rotation_loses_and_repeats_nothing(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path / "logs", file_limit=20_000, files_kept=50)
    is_over = threading.Event()

    def write() -> None:
        writer = logs.writer(NAME)
        for number in range(20_000):
            writer.write(f"number {number}")
        is_over.set()
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    seen = b"".join(chunk for _, chunk in logs.follow(NAME, 0, is_over.is_set))
    thread.join()
    assert seen.decode().splitlines() == [f"number {number}" for number in range(20_000)]


def test_a_half_written_last_line_is_neither_read_nor_kept(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path / "logs")
    writer = logs.writer(NAME)
    writer.write("whole")
    writer.close()
    with (tmp_path / "logs" / NAME).open("a") as file:
        file.write("half a li")
    assert logs.read(NAME, 0) == b"whole\n"
    assert logs.read(NAME, 6) == b""
    assert logs.tail(NAME, 5) == ["whole"]
    logs.writer(NAME).write("next")
    assert logs.read(NAME, 0) == b"whole\nnext\n"


def test_a_line_longer_than_the_limit_is_read_in_pieces(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path / "logs")
    logs.writer(NAME).write("x" * 200_000)
    offset = 0
    while chunk := logs.read(NAME, offset):
        offset += len(chunk)
    assert offset == 200_001


def test_followers_wake_at_once(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path / "logs")
    writer = logs.writer(NAME)
    writer.write("begin")
    following = logs.follow(NAME, 0, lambda: False, timeout=60)
    next(following)
    written: list[float] = []

    def write() -> None:
        written.append(time.monotonic())
        writer.write("now")

    threading.Timer(0.05, write).start()
    assert next(following)[1] == b"now\n"
    assert time.monotonic() - written[0] < 30  # not at the time-out


def test_many_followers_share_one_inotify_instance(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path / "logs")
    logs.writer("jobs/1.log").write("x")
    before = inotify_instances()
    followers = [logs.follow("jobs/1.log", 0, lambda: False, timeout=0.01) for _ in range(20)]
    for follower in followers:
        assert next(follower)[1] == b"x\n"
    assert inotify_instances() <= before + 1


@pytest.mark.parametrize("name", ["../secret", "a/../../b.log", "/etc/passwd", "", "a//b.log", "a/./b.log"])
def test_a_name_never_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError):
        LogFiles(tmp_path / "logs").read(name, 0)


def test_one_log_is_removed_with_what_was_rotated(small: LogFiles, tmp_path: Path) -> None:
    write_numbers(small, 200)
    write_numbers(small, 1, "abcdefgh/web.2.log")
    small.remove(NAME)
    assert sorted(path.name for path in (tmp_path / "logs/abcdefgh").iterdir()) == ["web.2.log"]


def test_a_rotation_that_fails_loses_nothing_and_is_made_up_for(small: LogFiles) -> None:
    writer = small.writer(NAME)
    writer.write("x" * 990)
    with no_more_descriptors(), pytest.raises(UnavailableError, match=r"Cannot write the log web\.1\.log"):
        writer.write("too much for this file")
    writer.write("after")
    assert small.tail(NAME, 2) == ["x" * 990, "after"]
    assert small.size(NAME) == 997
    writer.close()
