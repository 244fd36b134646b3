from __future__ import annotations

import os
import subprocess

from paas.rules.names import CHILD_MARK
from paas.worker import host
from tests.waiting import PATIENCE, wait_until

OURS = {**os.environ, CHILD_MARK: "1"}


def test_a_process_is_known_by_pid_and_start() -> None:
    assert host.is_alive(host.identity())
    pid, _, ticks = host.identity().partition(":")
    assert int(pid) == os.getpid()
    assert not host.is_alive(f"{pid}:{int(ticks) + 1}")


def test_who_is_gone_is_not_alive() -> None:
    child = subprocess.Popen(["sleep", "60"])
    recorded = f"{child.pid}:{host.start_ticks(child.pid)}"
    assert host.is_alive(recorded)
    child.kill()
    wait_until(lambda: host.start_ticks(child.pid) is None)  # dead, if only a zombie
    assert not host.is_alive(recorded)
    child.wait()
    for nonsense in (None, "", "abc", "1:", ":1", "0:0"):
        assert not host.is_alive(nonsense)


def test_a_child_is_killed_with_its_group() -> None:
    child = subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; wait"], start_new_session=True, stdout=subprocess.PIPE, env=OURS
    )
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    assert host.kill_group(child.pid, host.start_ticks(child.pid))
    assert child.wait(PATIENCE) == -9
    wait_until(lambda: host.start_ticks(grandchild) is None)
    assert not host.kill_group(child.pid, 1)
    assert not host.kill_group(None, None)


def test_a_child_in_our_own_group_dies_alone() -> None:
    child = subprocess.Popen(["sleep", "60"], env=OURS)
    assert host.kill_group(child.pid, host.start_ticks(child.pid))
    assert child.wait(PATIENCE) == -9


def test_a_child_is_killed_as_soon_as_there_is_one() -> None:
    """Popen returns in the middle of execve, when the child's environment reads as empty for a moment."""
    for _ in range(100):
        child = subprocess.Popen(["sleep", "60"], env=OURS)
        assert host.kill_group(child.pid, host.start_ticks(child.pid))
        assert child.wait(PATIENCE) == -9


def test_who_has_no_environment_at_all_is_nobody_of_ours() -> None:
    child = subprocess.Popen(["sleep", "60"], env={})
    assert not host.kill_group(child.pid, host.start_ticks(child.pid))
    child.kill()
    child.wait()


def test_who_was_not_started_by_a_worker_is_left_alone() -> None:
    """A row may name any process of the machine, with its right start."""
    child = subprocess.Popen(["sleep", "60"])
    assert not host.kill_group(child.pid, host.start_ticks(child.pid))
    assert not host.kill_group(-child.pid, host.start_ticks(child.pid))
    assert child.poll() is None
    child.kill()
    child.wait()
