"""A push becomes a source, an image, a release, processes and routes; or nothing changes."""

from __future__ import annotations

from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage, assert_nothing_changed


def test_a_first_push_is_built_released_started_and_served(stage: Stage) -> None:
    job = stage.push("a", tags={"refs/tags/one": "a" * 40})
    assert job.state == "succeeded", stage.log(job.id)
    assert job.result["version"] == 1
    assert job.result["url"] == "http://blog.localhost"
    assert stage.ledger() == ["v1 current"]
    assert stage.running() == ["web.1 v1"]
    assert stage.serves() == ["web.1 v1"]
    app = stage.app()
    assert (app.branch_commit, app.deploy_branch) == ("a" * 40, "main")
    assert stage.tags() == {"refs/tags/one": "a" * 40}
    assert "-----> Building with Dockerfile (Dockerfile found)" in stage.log(job.id)
    assert "-----> Waiting for web to answer on port 5000" in stage.log(job.id)
    assert stage.steps(job.id) == ["receive", "detect", "build", "release", "start", "health", "switch"]
    stage.settle()
    stage.assert_tidy()


def test_a_second_push_replaces_the_first_and_the_old_copy_retires_later(stage: Stage) -> None:
    stage.push("a")
    stage.push("b")
    assert stage.ledger() == ["v1 superseded", "v2 current"]
    assert stage.releases()[1].previous_id == stage.releases()[0].id
    assert stage.serves() == ["web.1 v2"]
    assert stage.running() == ["web.1 v1", "web.1 v2"], "the pusher does not wait for the old copy"
    stage.settle()
    assert stage.running() == ["web.1 v2"]
    stage.assert_tidy()


def test_an_nginx_that_does_not_confirm_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.proxy.is_down = True
    job = stage.push("b")
    stage.proxy.is_down = False
    assert job.result_code == "unavailable"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)


def test_a_site_that_nginx_refuses_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.proxy.broken["abcd1234"] = "unknown directive"
    assert stage.push("b").result_code == "site-refused"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)


def test_a_cancelled_deploy_changes_nothing(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(listens=False))
    job = stage.run(stage.queue_push("b"), cancel_after=3)
    assert job.result_code == "cancelled"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)
