"""What differs between what is recorded and what runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from paas.rules.differences import Differences, Facts, Recorded, Seen, find_differences

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(name: str = "a-web", state: str = "live", **parts: object) -> Recorded:
    facts = {"job_id": None, "restarts": 0, "crashed_at": None, "retry_at": None, "address": "10.208.0.2"} | parts
    return Recorded(name, "a", state, **facts)  # type: ignore[arg-type]


def box(name: str = "a-web", state: str = "running", **parts: object) -> Seen:
    facts = {"process_type": "web", "job_id": None, "started_at": NOW, "address": "10.208.0.2"} | parts
    return Seen(name, "a", state=state, **facts)  # type: ignore[arg-type]


LATER, EARLIER = NOW + timedelta(seconds=5), NOW - timedelta(seconds=5)


@pytest.mark.parametrize(
    ("recorded", "seen", "found"),
    [
        ([row()], [box()], Differences()),
        ([row()], [box(state="paused")], Differences(due=("a-web",))),
        ([row(state="retiring")], [box(state="paused")], Differences()),
        ([row()], [box(address=None)], Differences(severed=("a-web",))),
        ([row()], [box(address="10.208.0.9")], Differences(severed=("a-web",))),
        ([row()], [box(state="exited", address=None)], Differences(crashed=("a-web",))),
        ([row(state="starting", job_id=7)], [box(address=None)], Differences()),
        ([row()], [box(state="exited")], Differences(crashed=("a-web",))),
        ([row()], [box(state="created")], Differences(crashed=("a-web",))),
        ([row(crashed_at=EARLIER, retry_at=LATER)], [box(state="exited")], Differences()),
        ([row(crashed_at=EARLIER, retry_at=NOW)], [box(state="exited")], Differences(due=("a-web",))),
        ([row(crashed_at=EARLIER, retry_at=LATER)], [box()], Differences(recovered=("a-web",))),
        ([row(restarts=3)], [box()], Differences()),
        ([row(restarts=3)], [box(started_at=NOW - timedelta(hours=1))], Differences(recovered=("a-web",))),
        ([row()], [], Differences(lost={"a": ("a-web",)})),
        ([row(retry_at=LATER)], [], Differences()),
        ([row(state="starting", job_id=7)], [box()], Differences()),
        ([row(state="starting", job_id=6)], [box()], Differences(abandoned=("a-web",))),
        ([row(state="starting", job_id=6)], [], Differences(abandoned=("a-web",))),
        ([row(state="retiring")], [], Differences()),
        ([], [box()], Differences(strangers=("a-web",))),
        ([], [box(process_type="release", job_id=7)], Differences()),
        ([], [box(process_type="release", job_id=6)], Differences(strangers=("a-web",))),
        ([], [box(process_type="run")], Differences()),
        ([], [box(process_type="run", job_id=6, state="exited")], Differences()),
    ],
)
def test_differences_in_both_directions(recorded: list[Recorded], seen: list[Seen], found: Differences) -> None:
    assert find_differences(Facts(recorded, seen, busy=(), open_jobs={7}, now=NOW)) == found
    busy = find_differences(Facts(recorded, seen, busy={"a"}, open_jobs={7}, now=NOW))
    assert busy == Differences(), "an app whose job runs is left to it"


def test_at_boot_interactive_sessions_of_the_dead_worker_are_strangers() -> None:
    facts = Facts([], [box(process_type="run")], busy=(), open_jobs=(), now=NOW, is_boot=True)
    assert find_differences(facts) == Differences(strangers=("a-web",))
