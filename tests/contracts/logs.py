"""What every `Logs` promises."""

from __future__ import annotations

import threading
import time

from paas.ports import Logs


class LogsContract:
    """Inherit and give a fixture `logs`."""

    def test_a_log_that_is_not_there_is_empty(self, logs: Logs) -> None:
        assert (logs.size("jobs/1.log"), logs.read("jobs/1.log", 0), logs.tail("jobs/1.log", 5)) == (0, b"", [])

    def test_whole_lines_are_appended(self, logs: Logs) -> None:
        writer = logs.writer("jobs/1.log")
        writer.write("one")
        writer.write("two\nthree\n")
        writer.close()
        assert logs.read("jobs/1.log", 0) == b"one\ntwo\nthree\n"
        assert logs.size("jobs/1.log") == 14

    def test_reading_resumes_at_an_offset(self, logs: Logs) -> None:
        logs.writer("jobs/1.log").write("one\ntwo\n")
        assert logs.read("jobs/1.log", 4) == b"two\n"
        assert logs.read("jobs/1.log", 8) == b""

    def test_the_tail_is_the_last_lines(self, logs: Logs) -> None:
        logs.writer("jobs/1.log").write("one\ntwo\nthree\n")
        assert logs.tail("jobs/1.log", 2) == ["two", "three"]
        assert logs.tail("jobs/1.log", 9) == ["one", "two", "three"]
        assert logs.tail("jobs/1.log", 0) == []

    def test_two_writers_share_a_log(self, logs: Logs) -> None:
        first, second = logs.writer("abcdefgh/web.1.log"), logs.writer("abcdefgh/web.1.log")
        first.write("old container")
        second.write("new container")
        first.close()
        second.write("goes on")
        second.close()
        assert logs.tail("abcdefgh/web.1.log", 9) == ["old container", "new container", "goes on"]

    def test_files_of_a_folder_are_listed_and_removed(self, logs: Logs) -> None:
        for name in ("abcdefgh/web.2.log", "abcdefgh/web.1.log", "bbbbbbbb/web.1.log"):
            logs.writer(name).write("x")
        assert logs.files("abcdefgh") == ["abcdefgh/web.1.log", "abcdefgh/web.2.log"]
        logs.remove("abcdefgh")
        assert logs.files("abcdefgh") == []
        assert logs.files("bbbbbbbb") == ["bbbbbbbb/web.1.log"]
        logs.remove("bbbbbbbb/web.1.log")
        assert logs.files("bbbbbbbb") == []
        logs.remove("bbbbbbbb/web.1.log")

    def test_following_tells_each_line_once_and_ends_when_it_is_over(self, logs: Logs) -> None:
        is_over = threading.Event()
        writer = logs.writer("jobs/1.log")
        writer.write("before")

        def write() -> None:
            for number in range(200):
                writer.write(f"line {number}")
            is_over.set()
            writer.close()

        thread = threading.Thread(target=write)
        seen = b""
        for offset, chunk in logs.follow("jobs/1.log", 0, is_over.is_set, timeout=60):
            if not seen:
                thread.start()
            seen += chunk
            assert offset == len(seen)
        assert seen.decode().splitlines() == ["before", *(f"line {number}" for number in range(200))]

    def test_following_begins_before_the_log_exists(self, logs: Logs) -> None:
        is_over = threading.Event()

        def write() -> None:
            writer = logs.writer("later/web.1.log")
            writer.write("hello")
            is_over.set()
            writer.close()

        timer = threading.Timer(0.05, write)
        timer.start()
        begun = time.monotonic()
        chunks = [chunk for _, chunk in logs.follow("later/web.1.log", 0, is_over.is_set, timeout=60)]
        assert b"".join(chunks) == b"hello\n"
        assert time.monotonic() - begun < 30  # not at the time-out

    def test_silence_is_told_by_empty_chunks(self, logs: Logs) -> None:
        logs.writer("jobs/1.log").write("one")
        following = logs.follow("jobs/1.log", 0, lambda: False, timeout=0.01)
        assert [next(following), next(following), next(following)] == [(4, b"one\n"), (4, b""), (4, b"")]
