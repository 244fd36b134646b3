"""A worker killed with -9 at any step, restarted: old or new serves, the job keeps its number, nothing is left over."""

from __future__ import annotations

import pytest

from paas.flows.reconcile import reconcile
from paas.flows.step import POINTS
from paas.rules.jobs import Rebuild, Restart, Rollback, Scale
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import PROCFILE, Stage

FILES = {**PROCFILE, "Procfile": b"web: serve\nworker: work\nrelease: migrate\n"}
BEFORES = [point for point in POINTS if point.endswith(".before")]  # what follows a step is before the next
NEW_ROLLOUT = [
    point
    for point in POINTS
    if point.split(".")[1] in ("network", "plan", "start", "health", "switch", "mark", "current")
]


def before_the_kill(stage: Stage) -> None:
    stage.runtime.behave("-j", Behaviour(exit_code=0))
    stage.push("a", FILES)
    stage.run(stage.queue(Scale(counts={"web": 2, "worker": 1})))
    stage.settle()


@pytest.mark.parametrize("point", POINTS)
def test_a_deploy_killed_at_any_point_is_finished_by_the_next_worker(stage: Stage, point: str) -> None:
    before_the_kill(stage)
    job_id = stage.queue_push("b", FILES, tags={"refs/tags/two": "b" * 40})
    stage.kill_at(job_id, point)
    assert set(stage.serves()) in ({"web.1 v1", "web.2 v1"}, {"web.1 v2", "web.2 v2"}), "no third state"
    reconcile(stage.on, is_boot=True)  # the next worker looks round before it takes the job up
    assert set(stage.serves()) in ({"web.1 v1", "web.2 v1"}, {"web.1 v2", "web.2 v2"})
    job = stage.run(job_id)
    assert job.state == "succeeded", stage.log(job_id)
    assert job.result["version"] == 2
    assert stage.ledger() == ["v1 superseded", "v2 current"]
    assert stage.app().branch_commit == "b" * 40
    assert stage.tags() == {"refs/tags/two": "b" * 40}
    assert stage.tasks_started() == ["release", "release"], "the release task ran once for each release"
    assert len(stage.builder.orders) == 2, "what was built is not built again"
    assert_whole(stage, "v2")
    assert stage.push("c", FILES).result["version"] == 3
    assert_whole(stage, "v3")


@pytest.mark.parametrize("point", BEFORES)
def test_a_deploy_killed_and_then_cancelled_leaves_nothing_half_done(sqlite_stage: Stage, point: str) -> None:
    stage = sqlite_stage
    before_the_kill(stage)
    job_id = stage.queue_push("b", FILES)
    stage.kill_at(job_id, point)
    is_past = stage.app().branch_commit == "b" * 40
    stage.cancel_queued(job_id)
    for _pass in range(2):
        reconcile(stage.on, is_boot=True)
    assert_whole(stage, "v2" if is_past else "v1")
    assert not [release for release in stage.releases() if release.status == "pending"]
    assert stage.app().branch_commit == ("b" if is_past else "a") * 40
    assert stage.push("c", FILES).state == "succeeded"


@pytest.mark.parametrize("point", BEFORES)
def test_a_first_deploy_killed_at_any_point_becomes_v1(sqlite_stage: Stage, point: str) -> None:
    stage = sqlite_stage
    stage.runtime.behave("-j", Behaviour(exit_code=0))
    job_id = stage.queue_push("a", FILES)
    stage.kill_at(job_id, point)
    reconcile(stage.on, is_boot=True)
    assert stage.run(job_id).result["version"] == 1
    assert stage.ledger() == ["v1 current"]
    stage.settle()
    assert stage.serves() == ["web.1 v1"]
    stage.assert_tidy()


@pytest.mark.parametrize("point", [point for point in NEW_ROLLOUT if point in BEFORES])
@pytest.mark.parametrize("order", [Restart(), Scale(counts={"web": 3}), Rollback(version=1), Rebuild()])
def test_other_flows_killed_on_the_way_come_to_their_end(
    sqlite_stage: Stage, order: Restart | Scale | Rollback | Rebuild, point: str
) -> None:
    stage = sqlite_stage
    before_the_kill(stage)
    stage.push("b", FILES)
    stage.settle()
    job_id = stage.queue(order)
    stage.kill_at(job_id, point)
    assert {name.split()[0] for name in stage.serves()} >= {"web.1", "web.2"}
    reconcile(stage.on, is_boot=True)
    assert stage.run(job_id).state == "succeeded"
    stage.settle()
    assert {name.split()[0] for name in stage.serves()} >= {"web.1", "web.2"}
    stage.assert_tidy()


@pytest.mark.parametrize("point", NEW_ROLLOUT)
def test_a_config_change_killed_on_the_way_is_in_the_config_once_it_serves(stage: Stage, point: str) -> None:
    before_the_kill(stage)
    job_id = stage.queue_config(GREETING="hello")
    stage.kill_at(job_id, point)
    assert stage.config() == ({"GREETING": "hello"} if "v2 current" in stage.ledger() else {})
    reconcile(stage.on, is_boot=True)
    assert stage.run(job_id).result["version"] == 2
    assert stage.config() == {"GREETING": "hello"}
    assert_whole(stage, "v2")


def test_a_kill_that_loses_containers_too_is_survived(stage: Stage) -> None:
    before_the_kill(stage)
    job_id = stage.queue_push("b", FILES)
    stage.kill_at(job_id, "deploy.start.after")
    for container in stage.runtime.containers():
        stage.runtime.lose(container.name)
    reconcile(stage.on, is_boot=True)
    assert stage.run(job_id).result["version"] == 2
    assert_whole(stage, "v2")


def assert_whole(stage: Stage, version: str) -> None:
    stage.settle()
    assert set(stage.serves()) == {f"web.1 {version}", f"web.2 {version}"}
    assert stage.running() == [f"web.1 {version}", f"web.2 {version}", f"worker.1 {version}"]
    stage.assert_tidy()
