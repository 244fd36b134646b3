"""A process that dies is started at once, then ever later, up to five minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from paas.rules.crash import is_stable, restart_delay

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_waits_double_up_to_five_minutes() -> None:
    assert [restart_delay(restarts) for restarts in range(1, 14)] == [
        0,
        1,
        2,
        4,
        8,
        16,
        32,
        64,
        128,
        256,
        300,
        300,
        300,
    ]
    assert restart_delay(10**6) == 300


def test_five_minutes_up_are_stable() -> None:
    assert not is_stable(None, NOW)
    assert not is_stable(NOW - timedelta(seconds=299), NOW)
    assert is_stable(NOW - timedelta(seconds=300), NOW)
