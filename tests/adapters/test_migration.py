"""Snapshots and rehearsals around a migration, with real SQLite files and migrations of the test's own."""

import sqlite3
from contextlib import closing
from functools import partial

import pytest

from paas.adapters import migration
from paas.adapters.migration import SNAPSHOTS_KEPT, begin, go_back, newest_snapshot, rehearse, take_snapshot
from paas.adapters.sqlitefile import SqliteFile
from paas.errors import UnavailableError


@pytest.fixture
def database(tmp_path):
    (tmp_path / "database").mkdir()
    path = tmp_path / "database" / "paas.db"
    run(f"sqlite:///{path}", "CREATE TABLE app (name)", "INSERT INTO app VALUES ('blog')")
    return path


@pytest.fixture
def backups(tmp_path):
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


def run(url: str, *statements: str) -> str:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return "0002"


def tables(path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def add_table(url: str) -> str:
    return run(url, "CREATE TABLE demo (name)")


def fail(url: str) -> str:
    run(url, "CREATE TABLE half (name)")
    raise ValueError("no such table: nowhere\nmore")


def migrate(path, backups, upgrade) -> list[str]:
    return migration.migrate(SqliteFile(path, upgrade), backups, partial(upgrade, f"sqlite:///{path}"))


def test_a_migration_leaves_a_snapshot_of_what_was_before(database, backups):
    assert migrate(database, backups, add_table)[0] == "database is at 0002"
    assert tables(database) == {"app", "demo"}
    snapshot = newest_snapshot(SqliteFile(database, add_table), backups)
    assert tables(snapshot) == {"app"}
    assert snapshot.stat().st_mode & 0o777 == 0o600


def test_a_rehearsal_changes_nothing(database, backups):
    assert rehearse(SqliteFile(database, add_table)) == ["a copy could be brought to 0002"]
    assert tables(database) == {"app"}
    assert [path.name for path in database.parent.iterdir()] == ["paas.db"]


def test_a_migration_that_cannot_work_is_found_on_the_copy(database, backups):
    with pytest.raises(UnavailableError) as refusal:
        migrate(database, backups, fail)
    assert refusal.value.code == "migration"
    assert refusal.value.message == "The database migration failed: no such table: nowhere"
    assert tables(database) == {"app"}
    assert list(backups.iterdir()) == []


def test_a_migration_that_fails_on_the_real_file_only_is_undone(database, backups):
    def fail_at_last(url: str) -> str:
        return add_table(url) if ".trial" in url else fail(url)

    with pytest.raises(UnavailableError):
        migrate(database, backups, fail_at_last)
    assert tables(database) == {"app"}


def test_going_back_fills_the_database_that_others_hold_open(database, backups):
    with closing(sqlite3.connect(database)) as held:
        held.execute("PRAGMA journal_mode=WAL")
        held.execute("SELECT * FROM app").fetchall()
        migrate(database, backups, add_table)
        assert go_back(SqliteFile(database, add_table), backups)
        assert tables(database) == {"app"}
        assert held.execute("SELECT name FROM app").fetchall() == [("blog",)]


def test_going_back_without_a_snapshot_is_refused(database, backups):
    with pytest.raises(UnavailableError) as refusal:
        go_back(SqliteFile(database, add_table), backups)
    assert refusal.value.code == "no-snapshot"


def test_only_the_newest_snapshots_are_kept(database, backups):
    store = SqliteFile(database, add_table)
    taken = [take_snapshot(store, backups) for _ in range(SNAPSHOTS_KEPT + 2)]
    assert sorted(backups.iterdir()) == taken[2:]


def test_a_snapshot_that_could_not_be_finished_is_none(database, backups):
    store = SqliteFile(database.parent, add_table)
    with pytest.raises(sqlite3.OperationalError):
        take_snapshot(store, backups)
    assert list(backups.iterdir()) == []


def test_a_new_database_needs_no_snapshot(tmp_path):
    assert begin(partial(add_table, f"sqlite:///{tmp_path / 'new.db'}")) == ["new database at 0002"]
