"""An earlier release comes back, with code and variables, as a new release."""

from __future__ import annotations

from paas.model import Image, update
from paas.rules.jobs import Rollback
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import PROCFILE, Stage


def test_code_and_variables_come_back_without_a_build(stage: Stage) -> None:
    stage.run(stage.queue_config(GREETING="hello"))
    stage.push("a")
    stage.push("b")
    stage.run(stage.queue_config(unset=["GREETING"], OTHER="x"))
    builds = len(stage.builder.orders)
    job = stage.run(stage.queue(Rollback(version=1)))
    assert job.result["version"] == 4
    assert stage.ledger() == ["v1 superseded", "v2 superseded", "v3 superseded", "v4 current"]
    assert stage.config() == {"GREETING": "hello"}
    assert stage.environment("web")["GIT_REV"] == "a" * 40 or stage.running() != ["web.1 v4"]
    assert len(stage.builder.orders) == builds
    assert "Databases are not rolled back" in stage.log(job.id)
    assert stage.app().branch_commit == "b" * 40, "a rollback moves no branch"
    assert stage.releases()[3].previous_id == stage.releases()[2].id
    assert (stage.releases()[3].cause, stage.releases()[3].description) == ("rollback", "Rollback to v1")
    stage.settle()
    assert stage.serves() == ["web.1 v4"]
    stage.assert_tidy()


def test_a_value_of_the_release_that_comes_back_is_written_nowhere(stage: Stage) -> None:
    stage.run(stage.queue_config(TOKEN="swordfish-123"))
    stage.push("a")
    stage.run(stage.queue_config(unset=["TOKEN"]))
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1, errors=("no such token: swordfish-123",)))
    job = stage.run(stage.queue(Rollback(version=1)))
    assert " !     no such token: ********" in stage.log(job.id)
    assert stage.ledger() == ["v1 superseded", "v2 current", "v3 failed"]


def test_the_release_task_does_not_run_again(stage: Stage) -> None:
    stage.runtime.behave("-j", Behaviour(exit_code=0))
    files = {**PROCFILE, "Procfile": b"web: serve\nrelease: migrate\n"}
    stage.push("a", files)
    stage.push("b", files)
    stage.run(stage.queue(Rollback(version=1)))
    assert stage.tasks_started() == ["release", "release"]


def test_a_release_that_does_not_exist_is_refused(stage: Stage) -> None:
    stage.push("a")
    assert stage.run(stage.queue(Rollback(version=9))).result_code == "release-not-found"


def test_a_release_whose_image_was_pruned_is_refused(stage: Stage) -> None:
    stage.push("a")
    stage.push("b")
    pruned = update(Image).where(Image.id == stage.releases()[0].image_id)
    with stage.on.database.write() as session:
        session.execute(pruned.values(removed_at=stage.clock.now()))
    assert stage.run(stage.queue(Rollback(version=1))).result_code == "image-gone"
    assert stage.ledger() == ["v1 superseded", "v2 current"]


def test_a_rollback_that_does_not_come_up_keeps_what_serves(stage: Stage) -> None:
    stage.push("a")
    stage.push("b")
    stage.settle()
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1))
    assert stage.run(stage.queue(Rollback(version=1))).state == "failed"
    assert stage.serves() == ["web.1 v2"]
    assert stage.ledger() == ["v1 superseded", "v2 current", "v3 failed"]
