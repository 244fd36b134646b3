"""Which processes of this installation run, since when, and how much memory do they hold? What `paas status` shows."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from paas.adapters.supervisor import nginx_pid
from paas.rules.supervision import ProcessStatus
from paas.settings import Settings


def status(settings: Settings) -> list[ProcessStatus]:
    """Supervisor (with its nursery), worker, ssh, web, nginx; a supervisor that is gone leaves `stopped` ones."""
    pid = supervisor_pid(settings)
    state = read_state(settings) if pid else {}
    doing = str(state.get("state", "running")) if pid else "stopped"
    own = _own_pss(pid) + _own_pss(state.get("nursery"))
    lines = [ProcessStatus("supervisor", pid, doing, _moment(state), own)]
    children = {child["name"]: child for child in state.get("children", ())}
    for name in ("worker", "ssh", "web"):
        child = children.get(name, {})
        lines.append(
            ProcessStatus(
                name,
                child.get("pid"),
                child.get("state", "stopped"),
                _moment(child),
                _tree_pss(child.get("pid")),
                child.get("restarts", 0),
            )
        )
    nginx = nginx_pid(settings.folder("nginx") / "nginx.pid")
    since = datetime.fromtimestamp(psutil.Process(nginx).create_time(), UTC) if nginx else None
    lines.append(ProcessStatus("nginx", nginx, "running" if nginx else "stopped", since, _tree_pss(nginx)))
    return lines


def supervisor_pid(settings: Settings) -> int | None:
    """Pid of whoever holds the installation's lock; None when nobody does."""
    path = settings.folder("run") / "supervisor.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(read_state(settings).get("pid", 0)) or None
    finally:
        os.close(lock)
    return None


def read_state(settings: Settings) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads((settings.folder("run") / "supervisor.json").read_text())
    except (OSError, ValueError):
        return {}
    return body


def _moment(body: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(body["since"]) if body.get("since") else None


def _tree_pss(pid: int | None) -> int:
    if not pid:
        return 0
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return 0
    return _own_pss(pid) + sum(_own_pss(child.pid) for child in children)


def _own_pss(pid: int | None) -> int:
    """`Pss` of /proc/PID/smaps_rollup (proc(5))."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
