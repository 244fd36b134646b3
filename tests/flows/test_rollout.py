"""New copies run beside the old ones; what cannot start is taken back."""

from __future__ import annotations

from paas.rules.jobs import Scale
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage, assert_nothing_changed


def test_all_scaled_processes_are_started_in_the_apps_network(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"web": 2, "worker": 1})))
    stage.push("b")
    stage.settle()
    assert stage.running() == ["web.1 v2", "web.2 v2", "worker.1 v2"]
    assert stage.serves() == ["web.1 v2", "web.2 v2"]
    addresses = [it.address for it in stage.runtime.containers()]
    assert len(set(addresses)) == 3
    assert {stage.runtime.spec_of(it.name).network for it in stage.runtime.containers()} == {"paas-abcd1234"}
    stage.assert_tidy()


def test_a_container_that_cannot_start_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(refuses_to_start="exec: serve: not found"))
    assert stage.push("b").result_code == "start-failed"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)
