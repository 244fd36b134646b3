"""Is that process still the one that was recorded? A pid alone may be somebody else by now: see proc(5), starttime."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from paas.rules.names import CHILD_MARK

EXEC_PATIENCE = 0.5  # for a child in the middle of execve(2), whose environment is still empty (s)


def start_ticks(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None when there is none (or only its zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the command name before it may hold spaces and brackets
    return None if fields[0] == "Z" else int(fields[19])


def identity() -> str:
    """This process, as recorded in job.worker: `<pid>:<start ticks>`."""
    return f"{os.getpid()}:{start_ticks(os.getpid())}"


def is_alive(recorded: str | None) -> bool:
    """Does the process behind an `identity` still run on this host (since this boot)?"""
    pid, _, ticks = (recorded or "").partition(":")
    return pid.isdigit() and ticks.isdigit() and start_ticks(int(pid)) == int(ticks)


def is_child_of_a_worker(pid: int) -> bool:
    """Was it started by a worker? Rows are not to be believed: a broken door would have us kill sshd."""
    environment = b""
    until = time.monotonic() + EXEC_PATIENCE
    while not environment and start_ticks(pid) is not None and time.monotonic() < until:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        if not environment:
            time.sleep(0.001)
    return f"{CHILD_MARK}=1".encode() in environment.split(b"\0")


def kill_group(pid: int | None, ticks: int | None) -> bool:
    """SIGKILL a recorded child with its process group; False when it is gone, or none of ours."""
    if not pid or pid < 0 or ticks is None or start_ticks(pid) != ticks or not is_child_of_a_worker(pid):
        return False
    with contextlib.suppress(ProcessLookupError):
        group = os.getpgid(pid)
        if group == os.getpgid(0):
            os.kill(pid, signal.SIGKILL)  # it leads no group of its own: ours must not die with it
        else:
            os.killpg(group, signal.SIGKILL)
    return True
