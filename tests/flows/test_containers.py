"""What a container finds when it starts: its variables, its port, its words."""

from __future__ import annotations

from paas.rules.jobs import Scale
from tests.flows.stage import Stage


def test_only_web_gets_port_and_the_users_port_wins(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"worker": 1})))
    stage.run(stage.queue_config(PORT="7000"))
    stage.settle()
    assert stage.environment("web")["PORT"] == "7000"
    assert "PORT" not in stage.environment("worker")
    assert stage.proxy.site("abcd1234").backends[0].endswith(":7000")  # type: ignore[union-attr]
    assert stage.environment("web")["GIT_REV"] == "a" * 40
    assert stage.environment("worker")["PAAS_PROCESS"] == "worker.1"
