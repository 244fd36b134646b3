"""A restart is a rollout of the same release."""

from __future__ import annotations

from paas.rules.jobs import Restart, Scale
from tests.flows.stage import Stage


def names(stage: Stage) -> list[str]:
    return sorted(it.name.split("-", 2)[2] for it in stage.runtime.containers() if it.state == "running")


def test_a_restart_is_a_rollout_of_the_same_release(stage: Stage) -> None:
    stage.push("a")
    job = stage.run(stage.queue(Restart()))
    assert job.state == "succeeded", stage.log(job.id)
    assert names(stage) == ["web-1-r1", "web-1-r2"]
    assert stage.serves() == ["web.1 v1"]
    stage.settle()
    assert names(stage) == ["web-1-r2"]
    assert stage.ledger() == ["v1 current"]
    stage.assert_tidy()


def test_one_process_can_be_restarted_alone(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"worker": 1})))
    stage.run(stage.queue(Restart(process_types=("worker",))))
    stage.settle()
    assert names(stage) == ["web-1-r1", "worker-1-r3"]
    assert stage.run(stage.queue(Restart(process_types=("nope",)))).result_code == "unknown-process"
