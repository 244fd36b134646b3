"""The release task runs once in the new image, before anything new serves; it may refuse the release."""

from __future__ import annotations

from tests.fakes.behaviour import Behaviour
from tests.flows.stage import PROCFILE, Stage, assert_nothing_changed


def test_a_failing_release_task_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("migrate", Behaviour(exit_code=1, output=("column exists already",)))
    job = stage.push("b", {**PROCFILE, "Procfile": b"web: serve\nrelease: migrate\n"})
    assert job.result_code == "task-failed"
    assert "       column exists already" in stage.log(job.id)
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert stage.releases()[1].failure == "The release task ended with exit code 1"
    assert_nothing_changed(stage)


def test_a_release_task_that_takes_too_long_is_killed(stage: Stage) -> None:
    stage.push("a")
    job = stage.push("b", {**PROCFILE, "Procfile": b"web: serve\nrelease: migrate\n"})
    assert job.result_code == "task-timeout"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)
