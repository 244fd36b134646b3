"""A plan carries the whole that is wanted, what of it starts, and what goes."""

from __future__ import annotations

import pytest

from paas.rules.rollout import Copy, plan_rollout

APP = "abcd1234"


def copy(name: str) -> Copy:
    """`web.1 r2`"""
    shown, rollout = name.split(" r")
    process_type, index = shown.split(".")
    return Copy(f"paas-{APP}-{process_type}-{index}-r{rollout}", process_type, int(index), int(rollout))


def shown(copies: tuple[Copy, ...]) -> list[str]:
    return [f"{it.name} r{it.rollout}" for it in copies]


@pytest.mark.parametrize(
    ("formation", "running", "renew", "wanted", "start", "retire"),
    [
        ({"web": 1}, [], [], ["web.1 r9"], ["web.1 r9"], []),
        ({"web": 1}, ["web.1 r2"], ["web.1 r2"], ["web.1 r9"], ["web.1 r9"], ["web.1 r2"]),
        ({"web": 2}, ["web.1 r2"], [], ["web.1 r2", "web.2 r9"], ["web.2 r9"], []),
        ({"web": 1}, ["web.1 r2", "web.2 r3"], [], ["web.1 r2"], [], ["web.2 r3"]),
        ({"web": 1, "worker": 0}, ["web.1 r2", "worker.1 r2"], [], ["web.1 r2"], [], ["worker.1 r2"]),
        ({"web": 1}, ["web.1 r2", "old.1 r2"], ["web.1 r2"], ["web.1 r9"], ["web.1 r9"], ["web.1 r2", "old.1 r2"]),
        ({"web": 2}, ["web.1 r2", "web.2 r2"], ["web.2 r2"], ["web.1 r2", "web.2 r9"], ["web.2 r9"], ["web.2 r2"]),
        ({}, ["web.1 r2"], ["web.1 r2"], [], [], ["web.1 r2"]),
    ],
    ids=["first", "deploy", "up", "down", "to-zero", "process-gone", "repair", "stopped"],
)
def test_rollouts(
    formation: dict[str, int],
    running: list[str],
    renew: list[str],
    wanted: list[str],
    start: list[str],
    retire: list[str],
) -> None:
    plan = plan_rollout(APP, 9, formation, [copy(name) for name in running], {copy(name).container for name in renew})
    assert (shown(plan.wanted), shown(plan.start), shown(plan.retire)) == (wanted, start, retire)
