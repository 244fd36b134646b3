"""An app stops: its site first, then its copies."""

from __future__ import annotations

from paas.rules.jobs import Start, Stop
from tests.flows.stage import Stage


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
