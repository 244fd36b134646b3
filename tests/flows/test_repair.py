"""What is recorded and gone is made anew, and only that."""

from __future__ import annotations

from paas.flows.reconcile import reconcile
from paas.rules.jobs import Scale
from tests.fakes.behaviour import Behaviour
from tests.flows.repairs import deployed, repairs, run_repairs
from tests.flows.stage import Stage


def test_a_container_that_is_gone_is_replaced_by_a_new_rollout(stage: Stage) -> None:
    name = deployed(stage)
    stage.runtime.lose(name)
    reconcile(stage.on)
    assert len(repairs(stage)) == 1
    assert stage.on.worker.rings == 1  # type: ignore[attr-defined]
    reconcile(stage.on)
    assert len(repairs(stage)) == 1, "it is asked for once"
    run_repairs(stage)
    stage.settle()
    assert stage.serves() == ["web.1 v1"]
    assert stage.rows("live")[0].container != name
    stage.assert_tidy()


def test_only_the_copy_that_is_gone_is_made_anew(stage: Stage) -> None:
    deployed(stage)
    stage.run(stage.queue(Scale(counts={"web": 2})))
    kept, lost = (row.container for row in stage.rows("live"))
    stage.runtime.lose(lost)
    reconcile(stage.on)
    run_repairs(stage)
    stage.settle()
    assert kept in {row.container for row in stage.rows("live")}
    assert stage.serves() == ["web.1 v1", "web.2 v1"]
    stage.assert_tidy()


def test_a_repair_that_fails_is_tried_again_later_not_at_once(stage: Stage) -> None:
    stage.runtime.lose(deployed(stage))
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1))
    reconcile(stage.on)
    assert stage.run(repairs(stage)[0]).state == "failed"
    reconcile(stage.on)
    assert len(repairs(stage)) == 1
    stage.runtime.behave("serve", Behaviour())
    stage.clock.advance(31)
    reconcile(stage.on)
    run_repairs(stage)
    assert stage.serves() == ["web.1 v1"]
