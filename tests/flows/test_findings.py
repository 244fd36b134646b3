"""What is wanted: counts of ps:scale before those of app.json."""

from __future__ import annotations

from paas.rules.jobs import Scale
from tests.flows.stage import Stage, app_json


def test_app_jsons_formation_counts_until_somebody_scales(stage: Stage) -> None:
    stage.push("a", app_json(formation={"web": {"quantity": 2}, "worker": {"quantity": 1}}))
    assert stage.running() == ["web.1 v1", "web.2 v1", "worker.1 v1"]
    stage.run(stage.queue(Scale(counts={"web": 1})))
    stage.push("b", app_json(formation={"web": {"quantity": 2}, "worker": {"quantity": 1}}))
    stage.settle()
    assert stage.running() == ["web.1 v2", "worker.1 v2"]
