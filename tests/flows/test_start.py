"""A stopped app comes back."""

from __future__ import annotations

from paas.rules.jobs import Start, Stop
from tests.flows.stage import Stage


def test_a_deploy_starts_a_stopped_app(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Stop()))
    stage.push("b")
    assert stage.serves() == ["web.1 v2"]
    assert not stage.app().is_stopped


def test_an_app_that_was_never_deployed_cannot_be_started(stage: Stage) -> None:
    assert stage.run(stage.queue(Start())).result_code == "never-deployed"
