"""When is a process that died started again? At once, then ever later, until it has proved to be stable."""

from __future__ import annotations

from datetime import datetime, timedelta

LONGEST_DELAY = 300.0
STABLE_AFTER = timedelta(minutes=5)


def restart_delay(restarts: int) -> float:
    """Seconds to wait before restart number `restarts` (the first is 1): 0, 1, 2, 4 ... 300."""
    return 0.0 if restarts <= 1 else min(2.0 ** min(restarts - 2, 16), LONGEST_DELAY)


def is_stable(started_at: datetime | None, now: datetime) -> bool:
    """Has it run long enough that its earlier crashes no longer count?"""
    return started_at is not None and now - started_at >= STABLE_AFTER
