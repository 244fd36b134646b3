"""How much memory may all builds take together?

BuildKit ignores `--memory` and `--cgroup-parent`, but it runs each step in `<parent>/buildkit/<id>`, where the parent
is `docker` with the cgroupfs driver and `system.slice:docker` with systemd's (moby, cmd/dockerd newCgroupParent). The
limit is written there before every build: the group is gone after a reboot, and exists only once something was built.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def limit_builds(memory: int, *, systemd: bool, root: Path = ROOT) -> bool:
    """Limit all builds of the engine to `memory` bytes; False where the system does not let us."""
    parent = "system.slice:docker" if systemd else "docker"
    try:
        if (root / "cgroup.controllers").exists():
            _limit_v2(root, parent, memory)
        else:
            _limit_v1(root / "memory" / parent / "buildkit", memory)
    except OSError:
        return False
    return True


def _limit_v1(group: Path, memory: int) -> None:
    """Swap counts too where the kernel counts it: else a greedy build would only become slow."""
    group.mkdir(parents=True, exist_ok=True)
    total = group / "memory.memsw.limit_in_bytes"
    limits = [group / "memory.limit_in_bytes", total] if total.exists() else [group / "memory.limit_in_bytes"]
    for attempt in (limits, limits[::-1]):  # neither may ever exceed the other: the order depends on the direction
        with contextlib.suppress(OSError):
            for limit in attempt:
                limit.write_text(str(memory))
            return
    limits[0].write_text(str(memory))


def _limit_v2(root: Path, parent: str, memory: int) -> None:
    group = root / parent / "buildkit"
    group.mkdir(parents=True, exist_ok=True)
    for above in (root, root / parent):
        with contextlib.suppress(OSError):
            (above / "cgroup.subtree_control").write_text("+memory")
    (group / "memory.max").write_text(str(memory))
    with contextlib.suppress(OSError):
        (group / "memory.swap.max").write_text("0")
