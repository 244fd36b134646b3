"""Counts change; the copies that stay are left alone."""

from __future__ import annotations

from paas.rules.jobs import Scale, Stop
from tests.flows.stage import Stage


def names(stage: Stage) -> list[str]:
    return sorted(it.name.split("-", 2)[2] for it in stage.runtime.containers() if it.state == "running")


def test_scaling_up_and_down_leaves_the_others_alone(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"web": 3})))
    assert names(stage) == ["web-1-r1", "web-2-r2", "web-3-r2"]
    assert len(stage.serves()) == 3
    stage.run(stage.queue(Scale(counts={"web": 1})))
    assert len(stage.serves()) == 1
    stage.settle()
    assert names(stage) == ["web-1-r1"]
    assert stage.ledger() == ["v1 current"]
    stage.assert_tidy()


def test_scaling_web_to_nothing_shows_the_page_of_a_stopped_app(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"web": 0})))
    stage.settle()
    assert stage.running() == []
    assert stage.proxy.site("abcd1234").state == "stopped"  # type: ignore[union-attr]


def test_scaling_what_does_not_exist_is_refused(stage: Stage) -> None:
    stage.push("a")
    job = stage.run(stage.queue(Scale(counts={"nope": 1})))
    assert job.result_code == "unknown-process"
    assert "there is web, worker" in stage.log(job.id)


def test_scaling_before_the_first_deploy_counts_from_then(stage: Stage) -> None:
    stage.run(stage.queue(Scale(counts={"web": 2})))
    stage.push("a")
    assert stage.running() == ["web.1 v1", "web.2 v1"]


def test_two_changes_that_are_too_many_together_are_not_both_made(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Stop()))
    first, second = stage.queue(Scale(counts={"web": 30})), stage.queue(Scale(counts={"worker": 30}))
    assert stage.run(first).state == "succeeded"
    assert stage.run(second).result_code == "scale"
