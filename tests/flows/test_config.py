"""A change of variables is a release of the same image; it is in the config once that release serves."""

from __future__ import annotations

from paas.rules.jobs import Stop
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage

ODD = 'it\'s "quoted"\nin two lines, with ünïcödé 🎈 and  spaces '


def test_a_change_rolls_the_app(stage: Stage) -> None:
    stage.push("a")
    job = stage.run(stage.queue_config(GREETING=ODD))
    assert job.result["version"] == 2
    assert stage.releases()[1].description == "Set GREETING"
    stage.settle()
    assert stage.environment("web")["GREETING"] == ODD
    assert stage.config() == {"GREETING": ODD}
    assert len(stage.builder.orders) == 1


def test_of_two_queued_changes_neither_loses_the_other(stage: Stage) -> None:
    stage.push("a")
    first, second = stage.queue_config(ONE="1"), stage.queue_config(TWO="2")
    stage.run(first)
    stage.run(second)
    assert stage.config() == {"ONE": "1", "TWO": "2"}
    stage.settle()
    assert {"ONE", "TWO"} <= set(stage.environment("web"))


def test_a_change_that_fails_stays_in_its_failed_release(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue_config(GOOD="yes"))
    stage.settle()
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1))
    assert stage.run(stage.queue_config(BAD="yes")).state == "failed"
    stage.runtime.behave("serve", Behaviour())
    stage.run(stage.queue_config(LATER="yes"))
    assert stage.config() == {"GOOD": "yes", "LATER": "yes"}
    assert stage.ledger() == ["v1 superseded", "v2 superseded", "v3 failed", "v4 current"]


def test_before_the_first_deploy_a_change_takes_no_number(stage: Stage) -> None:
    job = stage.run(stage.queue_config(GREETING="hello"))
    assert job.state == "succeeded"
    assert stage.config() == {"GREETING": "hello"}
    assert stage.ledger() == []


def test_a_change_to_a_stopped_app_starts_nothing(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Stop()))
    job = stage.run(stage.queue_config(GREETING="hello"))
    assert job.result["version"] == 2
    assert stage.running() == []
    assert stage.app().is_stopped
    stage.assert_tidy()
