"""How much memory, and how many processes, may all builds take together?

BuildKit ignores `--memory`, `--pids-limit` and `--cgroup-parent`. (A fork bomb in a RUN line held 8,000 of the host's
processes after a minute: seen.) With the cgroupfs driver it runs each step in `docker/buildkit/<id>`: the limits are
written to their common parent before every build (the group is gone after a reboot, and exists only once something was
built). With systemd's driver a step runs in `system.slice:docker:<id>`, which runc takes for a path below the cgroup of
dockerd: there is no parent of builds only, so each step gets the limits as soon as it is seen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PARENT = "docker"  # moby, cmd/dockerd newCgroupParent
STEP = "*.slice:docker:*"
PROCESSES = 4096  # and threads; a parallel build of a large project has some hundreds
GLANCE = 0.2  # steps are looked for this often (s)


def limit_builds(memory: int, root: Path = ROOT) -> bool:
    """Limit all builds of an engine with the cgroupfs driver to `memory` bytes; False where the system says no."""
    try:
        if _is_version_2(root):
            _limit_v2(root, memory)
        else:
            _limit_v1(root, Path(PARENT, "buildkit"), memory)
    except OSError:
        return False
    return True


class StepLimits:
    """Limits the steps of builds of an engine with systemd's driver while they run."""

    def __init__(self, memory: int, root: Path = ROOT) -> None:
        self._memory = memory
        self._root = root
        self._due = 0.0

    def apply(self) -> None:
        """Call it often: it looks seldom. A limit below what a step holds already makes the kernel kill it."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + GLANCE
        is_version_2 = _is_version_2(self._root)
        controller = self._root if is_version_2 else self._root / "memory"
        for group in _steps(controller):
            with contextlib.suppress(OSError):  # it has just ended
                if is_version_2:
                    _write_v2(group, self._memory)
                else:
                    _limit_v1(self._root, group.relative_to(controller), self._memory)


def _steps(root: Path) -> Iterator[Path]:
    """dockerd's own group, or the one above it, is `system.slice/docker.service` as a rule, and may be the root."""
    for depth in range(3):
        yield from root.glob("*/" * depth + STEP)


def _is_version_2(root: Path) -> bool:
    return (root / "cgroup.controllers").exists()


def _limit_v1(root: Path, name: Path, memory: int) -> None:
    if (root / "pids").is_dir():
        (root / "pids" / name).mkdir(parents=True, exist_ok=True)
        (root / "pids" / name / "pids.max").write_text(str(PROCESSES))
    (root / "memory" / name).mkdir(parents=True, exist_ok=True)
    _limit_memory_v1(root / "memory" / name, memory)


def _limit_memory_v1(group: Path, memory: int) -> None:
    """Swap counts too where the kernel counts it: else a greedy build would only become slow."""
    total = group / "memory.memsw.limit_in_bytes"
    limits = [group / "memory.limit_in_bytes", total] if total.exists() else [group / "memory.limit_in_bytes"]
    for attempt in (limits, limits[::-1]):  # neither may ever exceed the other: the order depends on the direction
        with contextlib.suppress(OSError):
            for limit in attempt:
                limit.write_text(str(memory))
            return
    limits[0].write_text(str(memory))


def _limit_v2(root: Path, memory: int) -> None:
    group = root / PARENT / "buildkit"
    group.mkdir(parents=True, exist_ok=True)
    for above in (root, root / PARENT):
        with contextlib.suppress(OSError):
            (above / "cgroup.subtree_control").write_text("+memory +pids")
    _write_v2(group, memory)


def _write_v2(group: Path, memory: int) -> None:
    (group / "memory.max").write_text(str(memory))
    for file, value in (("memory.swap.max", "0"), ("pids.max", str(PROCESSES))):
        with contextlib.suppress(OSError):
            (group / file).write_text(value)
