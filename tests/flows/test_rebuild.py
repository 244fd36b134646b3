"""The current source is built again."""

from __future__ import annotations

from paas.rules.jobs import Rebuild
from tests.flows.stage import Stage


def test_a_rebuild_builds_the_current_source_again(stage: Stage) -> None:
    stage.push("a")
    job = stage.run(stage.queue(Rebuild(no_cache=True)))
    assert job.result["version"] == 2
    assert stage.builder.orders[1].no_cache
    assert stage.builder.orders[1].source == stage.builder.orders[0].source
    assert stage.releases()[1].commit == "a" * 40
    assert stage.app().branch_commit == "a" * 40
