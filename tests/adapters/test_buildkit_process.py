"""A build's process is watched for output, time and the wish to cancel, and ends with its whole group."""

from __future__ import annotations

import os
from typing import IO

import psutil
import pytest

from paas.adapters.buildkit_process import BuildProcess
from paas.errors import BuildError, CancelledJobError
from tests.waiting import PATIENCE, wait_until

ENVIRONMENT = {"PATH": os.defpath}


def nothing(target: IO[bytes]) -> None:
    pass


def run(*words: str) -> BuildProcess:
    return BuildProcess(words, ENVIRONMENT, nothing)


def test_lines_come_as_they_are_printed_and_the_last_without_a_newline() -> None:
    process = run("sh", "-c", "echo one; echo two >&2; printf three")
    assert [line for line in process.lines(PATIENCE, lambda: False) if line is not None] == ["one", "two", "three"]
    assert process.wait() == 0


def test_the_context_is_fed_to_standard_input() -> None:
    process = BuildProcess(["wc", "-c"], ENVIRONMENT, lambda target: target.write(b"x" * 1_000_000) and None)
    assert "1000000" in [line for line in process.lines(PATIENCE, lambda: False) if line]
    assert process.wait() == 0


def test_a_client_that_does_not_read_is_no_error_of_the_feeder() -> None:
    process = BuildProcess(["false"], ENVIRONMENT, lambda target: target.write(b"x" * 10_000_000) and None)
    list(process.lines(PATIENCE, lambda: False))
    assert process.wait() == 1
    assert process.feed_error is None


def test_a_context_that_cannot_be_made_kills_the_client() -> None:
    def feed(target: IO[bytes]) -> None:
        raise ValueError("half a context")

    process = BuildProcess(["sleep", "300"], ENVIRONMENT, feed)
    list(process.lines(PATIENCE, lambda: False))
    assert process.wait() < 0
    assert isinstance(process.feed_error, ValueError)


def seen_before(timeout: float, *, cancelled: bool, expected: type[Exception]) -> int:
    """The pid of the client's child, after the build was ended."""
    process = run("sh", "-c", "sleep 300 & echo $!; wait")
    pids: list[int] = []
    with pytest.raises(expected):
        for line in process.lines(timeout, lambda: cancelled and bool(pids)):
            if line:
                pids.append(int(line))
    process.stop()
    return pids[0]


@pytest.mark.parametrize(("timeout", "cancelled", "expected"), [(300, True, CancelledJobError), (2, False, BuildError)])
def test_cancelling_and_time_end_the_whole_group(timeout: float, cancelled: bool, expected: type[Exception]) -> None:
    child = seen_before(timeout, cancelled=cancelled, expected=expected)
    wait_until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
