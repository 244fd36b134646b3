"""The migrations and the model describe the same database."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from paas.model import Base, Database
from paas.model.migrate import migrate, newest, revision


def _emptied(database: Database) -> Database:
    Base.metadata.drop_all(database.engine)
    return database


def test_migrating_an_empty_database_gives_the_tables_of_the_model(database: Database) -> None:
    _emptied(database)
    assert revision(database) is None
    assert migrate(database) == newest() == revision(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        made = {index["name"] for index in inspect(connection).get_indexes("job")}
    assert database.is_sqlite or "uq_job_running_per_app" in made


def test_migrating_twice_changes_nothing(database: Database) -> None:
    _emptied(database)
    migrate(database)
    assert migrate(database) == newest()


def test_one_app_runs_one_job_in_a_migrated_database(database: Database) -> None:
    _emptied(database)
    migrate(database)
    row = (
        "INSERT INTO job (kind, app_id, payload, state, priority, is_heavy, created_at, created_by, via, address,"
        " fence, attempt, result)"
        " VALUES ('stop', 'abcdefgh', '{}', 'running', 0, false, '2026-01-01', 'ana', 'ssh', '', 0, 0, '{}')"
    )
    with database.write() as session:
        session.execute(text(row))
    try:
        with database.write() as session:
            session.execute(text(row))
    except Exception as error:
        assert "UNIQUE" in str(error).upper()
    else:
        raise AssertionError("two jobs of one app run at once")
