"""A push becomes a source, an image, a release, processes and routes; or nothing changes."""

from __future__ import annotations

from tests.flows.stage import Stage


def test_a_first_push_is_built_released_started_and_served(stage: Stage) -> None:
    job = stage.push("a")
    assert job.state == "succeeded", stage.log(job.id)
    assert job.result["version"] == 1
    assert job.result["url"] == "http://blog.localhost"
    assert stage.ledger() == ["v1 current"]
    assert stage.running() == ["web.1 v1"]
    assert stage.serves() == ["web.1 v1"]
    assert stage.app().branch_commit == "a" * 40
