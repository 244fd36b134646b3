"""Copies of the current release change as a deploy changes them: nothing old is touched until the new is healthy."""

from __future__ import annotations

from paas.rules.jobs import Restart
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage


def names(stage: Stage) -> list[str]:
    return sorted(it.name.split("-", 2)[2] for it in stage.runtime.containers() if it.state == "running")


def test_a_restart_that_fails_keeps_the_old_copies(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1))
    assert stage.run(stage.queue(Restart())).state == "failed"
    assert names(stage) == ["web-1-r1"]
    stage.assert_tidy()
