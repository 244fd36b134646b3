"""What nobody needs any more goes; what may be gone back to, and what is not ours, stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from paas.model import Database
from paas.ports import ImageFacts
from paas.rules.jobs import Prune, Rollback
from tests.flows.stage import Stage


def image(name: str, **labels: str) -> ImageFacts:
    return ImageFacts(f"sha256:{name}", (name,), 1, datetime(2026, 1, 1, tzinfo=UTC), (), (), ("serve",), "", labels)


def test_the_current_and_the_newest_images_that_served_are_kept(database: Database, tmp_path: Path) -> None:
    stage = Stage(database, tmp_path, images_kept=2)
    for commit in "abcd":
        stage.push(commit)
        stage.settle()
    assert len(stage.runtime.images()) == 2
    assert len(stage.sources.stored) == 2
    assert stage.run(stage.queue(Rollback(version=1))).result_code == "image-gone"
    assert stage.run(stage.queue(Rollback(version=3))).state == "succeeded"
    stage.settle()
    stage.push("e")
    stage.settle()
    assert stage.run(stage.queue(Rollback(version=3))).state == "succeeded", "it served again a moment ago"


def test_an_image_that_no_row_knows_goes_and_one_that_is_not_ours_stays(stage: Stage) -> None:
    stage.push("a")
    stage.settle()
    stage.runtime.add_image(image("paas/abcd1234:orphan", **{"paas.app_id": "abcd1234"}))
    stage.runtime.add_image(image("paas/base-python-3.11"))
    job = stage.run(stage.queue(Prune(), app_id=None))
    assert job.state == "succeeded", stage.log(job.id)
    names = {tag for facts in stage.runtime.images() for tag in facts.tags}
    assert "paas/abcd1234:orphan" not in names
    assert "paas/base-python-3.11" in names
    assert len(names) == 2


def test_nothing_of_an_app_with_a_waiting_job_is_removed(database: Database, tmp_path: Path) -> None:
    stage = Stage(database, tmp_path, images_kept=1)
    stage.push("a")
    stage.push("b")
    waiting = stage.queue(Rollback(version=1))
    stage.settle()
    assert len(stage.runtime.images()) == 2
    assert stage.run(waiting).state == "succeeded"
