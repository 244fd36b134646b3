"""Restart, scale, stop, start, rebuild: what runs changes, the release number does not (but for rebuild)."""

from __future__ import annotations

from paas.rules.jobs import Rebuild, Restart, Scale, Start, Stop
from tests.fakes.behaviour import Behaviour
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


def test_a_restart_that_fails_keeps_the_old_copies(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1))
    assert stage.run(stage.queue(Restart())).state == "failed"
    assert names(stage) == ["web-1-r1"]
    stage.assert_tidy()


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


def test_stopping_takes_the_site_first_and_starting_brings_it_back(stage: Stage) -> None:
    stage.push("a")
    job = stage.run(stage.queue(Stop()))
    assert job.state == "succeeded", stage.log(job.id)
    assert stage.running() == []
    assert stage.proxy.site("abcd1234").state == "stopped"  # type: ignore[union-attr]
    assert stage.app().is_stopped
    stage.assert_tidy()
    assert stage.run(stage.queue(Start())).state == "succeeded"
    assert stage.serves() == ["web.1 v1"]
    assert not stage.app().is_stopped
    stage.assert_tidy()


def test_a_deploy_starts_a_stopped_app(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Stop()))
    stage.push("b")
    assert stage.serves() == ["web.1 v2"]
    assert not stage.app().is_stopped


def test_an_app_that_was_never_deployed_cannot_be_started(stage: Stage) -> None:
    assert stage.run(stage.queue(Start())).result_code == "never-deployed"


def test_a_rebuild_builds_the_current_source_again(stage: Stage) -> None:
    stage.push("a")
    job = stage.run(stage.queue(Rebuild(no_cache=True)))
    assert job.result["version"] == 2
    assert stage.builder.orders[1].no_cache
    assert stage.builder.orders[1].source == stage.builder.orders[0].source
    assert stage.releases()[1].commit == "a" * 40
    assert stage.app().branch_commit == "a" * 40
