"""A step is a function between two fail-points, in a phase of the job's timeline."""

from __future__ import annotations

import pytest

from paas.flows.step import POINTS, step
from tests.flows.stage import PROCFILE, Stage


def test_a_deploy_comes_by_every_point_in_order(sqlite_stage: Stage) -> None:
    sqlite_stage.push("a", {**PROCFILE, "Procfile": b"web: serve\n"})
    reached = [point for point in sqlite_stage.faults.reached if point in POINTS]
    assert set(reached) == set(POINTS)
    befores = [point for point in reached if point.endswith(".before")]
    assert befores == [point for point in POINTS if point.endswith(".before")]


def test_a_step_that_is_not_listed_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="add it to STEPS"):
        step("nothing")
