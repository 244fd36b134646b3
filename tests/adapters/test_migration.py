"""Snapshots and trial copies around a migration, with real SQLite files and migrations of the test's own."""

import sqlite3
from contextlib import closing

import pytest

from paas.adapters.migration import SNAPSHOTS_KEPT, go_back, migrate, newest_snapshot, take_snapshot
from paas.errors import UnavailableError
from paas.settings import Settings


@pytest.fixture
def settings(tmp_path):
    for name in ("database", "backups"):
        (tmp_path / name).mkdir()
    database = tmp_path / "database" / "paas.db"
    run(f"sqlite:///{database}", "CREATE TABLE app (name)", "INSERT INTO app VALUES ('blog')")
    return Settings(home=tmp_path)


def run(url: str, *statements: str) -> str:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return "0002"


def tables(settings: Settings) -> set[str]:
    with closing(sqlite3.connect(settings.folder("database", "paas.db"))) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def add_table(url: str) -> str:
    return run(url, "CREATE TABLE demo (name)")


def fail(url: str) -> str:
    run(url, "CREATE TABLE half (name)")
    raise ValueError("no such table: nowhere\nmore")


def test_a_migration_leaves_a_snapshot_of_what_was_before(settings):
    lines = migrate(settings, add_table)
    assert lines[0] == "database is at 0002"
    assert tables(settings) == {"app", "demo"}
    with closing(sqlite3.connect(newest_snapshot(settings.folder("backups")))) as snapshot:
        assert [name for (name,) in snapshot.execute("SELECT name FROM sqlite_master")] == ["app"]


def test_trying_changes_nothing(settings):
    assert migrate(settings, add_table, only_try=True) == ["a copy could be brought to 0002"]
    assert tables(settings) == {"app"}
    assert [path.name for path in settings.folder("database").iterdir()] == ["paas.db"]


def test_a_migration_that_cannot_work_is_found_on_the_copy(settings):
    with pytest.raises(UnavailableError) as refusal:
        migrate(settings, fail)
    assert refusal.value.code == "migration"
    assert refusal.value.message == "The database migration failed: no such table: nowhere"
    assert tables(settings) == {"app"}
    assert list(settings.folder("backups").iterdir()) == []


def test_a_migration_that_fails_on_the_real_file_only_is_undone(settings):
    def fail_at_last(url: str) -> str:
        return add_table(url) if ".trial" in url else fail(url)

    with pytest.raises(UnavailableError):
        migrate(settings, fail_at_last)
    assert tables(settings) == {"app"}


def test_going_back_fills_the_database_that_others_hold_open(settings):
    path = settings.folder("database", "paas.db")
    with closing(sqlite3.connect(path)) as held:
        held.execute("PRAGMA journal_mode=WAL")
        held.execute("SELECT * FROM app").fetchall()
        migrate(settings, add_table)
        assert go_back(settings)
        assert tables(settings) == {"app"}
        assert held.execute("SELECT name FROM app").fetchall() == [("blog",)]


def test_going_back_without_a_snapshot_is_refused(settings):
    with pytest.raises(UnavailableError) as refusal:
        go_back(settings)
    assert refusal.value.code == "no-snapshot"


def test_only_the_newest_snapshots_are_kept(settings):
    path, folder = settings.folder("database", "paas.db"), settings.folder("backups")
    taken = [take_snapshot(path, folder) for _ in range(SNAPSHOTS_KEPT + 2)]
    assert sorted(folder.iterdir()) == taken[2:]


def test_a_new_database_needs_no_snapshot(tmp_path):
    for name in ("database", "backups"):
        (tmp_path / name).mkdir()
    settings = Settings(home=tmp_path)
    assert migrate(settings, add_table) == ["new database at 0002"]
    assert list(settings.folder("backups").iterdir()) == []
