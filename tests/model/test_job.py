"""The queue's own statements, on both kinds of database."""

from __future__ import annotations

from datetime import UTC, datetime

from paas.model import Database, Job
from paas.model.job import claim, give_back, supersede_queued

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def queue(database: Database, kind: str = "deploy", app_id: str = "app00001") -> int:
    with database.write() as session:
        job = Job(
            kind=kind, app_id=app_id, app_name="blog", payload={}, created_at=NOW, created_by="ana", user_id=None,
            via="git",
        )  # fmt: skip
        session.add(job)
        session.flush()
        return job.id


def state(database: Database, job_id: int) -> str:
    with database.read() as session:
        return session.get_one(Job, job_id).state


def supersede(database: Database, by: int) -> list[int]:
    with database.write() as session:
        return list(supersede_queued(session, "app00001", "deploy", NOW, by))


def test_a_newer_push_supersedes_the_queued_ones_of_its_app(database: Database) -> None:
    first, second, restart, elsewhere = (
        queue(database), queue(database), queue(database, "restart"), queue(database, app_id="app00002"),
    )  # fmt: skip
    newest = queue(database)
    assert supersede(database, newest) == [first, second]
    assert [state(database, each) for each in (first, restart, elsewhere, newest)] == ["superseded", *["queued"] * 3]


def test_a_push_that_a_dead_worker_had_begun_is_not_superseded(database: Database) -> None:
    begun = queue(database)
    with database.write() as session:
        job = claim(session, begun, "1:1", NOW, 30)
        assert job is not None and give_back(session, begun, job.fence)
    assert supersede(database, queue(database)) == []
    assert state(database, begun) == "queued"
