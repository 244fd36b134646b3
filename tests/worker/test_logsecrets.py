from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from paas.model import Database
from paas.worker.logsecrets import secrets_of
from tests.flows.stage import APP, Stage


def test_they_are_the_values_of_the_containers_own_release(sqlite_database: Database, tmp_path: Path) -> None:
    stage = Stage(sqlite_database, tmp_path)
    stage.run(stage.queue_config(TOKEN="first-token"))
    stage.push("a")
    stage.run(stage.queue_config(TOKEN="second-token"))
    secrets = secrets_of(stage.on.database, stage.on.vault)
    newest = max(stage.runtime.containers(APP), key=lambda container: container.rollout)
    assert secrets(newest) == ["second-token"]
    assert secrets(replace(newest, release=1)) == ["first-token"]


def test_a_release_that_is_gone_has_none(sqlite_database: Database, tmp_path: Path) -> None:
    stage = Stage(sqlite_database, tmp_path)
    stage.push("a")
    (container,) = stage.runtime.containers(APP)
    assert secrets_of(stage.on.database, stage.on.vault)(replace(container, release=99)) == []
