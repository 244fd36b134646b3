"""Snapshots of a real PostgreSQL: taken, put back, restored into another database, and refused with a reason."""

import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, text

from paas.adapters.migration import go_back, migrate, newest_snapshot, rehearse, take_snapshot
from paas.adapters.pgdump import PROGRAMS, PgDump, program_folders
from paas.errors import UnavailableError
from paas.model import Database, User, delete
from paas.model import migrate as steps
from tests.conftest import postgres_database
from tests.model.test_base import add, count

WRAPPER = '#!/bin/sh\necho "$0 $*" >> {log}\nexec {program} "$@"\n'


@pytest.fixture
def database():
    """As a release before left it: all tables, a user, and one row that is not ASCII."""
    with postgres_database() as url, closing(Database(url)) as made:
        steps.migrate(made)
        add(made, "ana")
        add(made, "grüße'\\ \N{SNOWMAN}")
        yield made


@pytest.fixture
def backups(tmp_path):
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


def store(database: Database, folders=None) -> PgDump:
    return PgDump(database.libpq, program_folders() if folders is None else folders)


def programs(folder: Path, script: str) -> Path:
    """A folder with programs of these words."""
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return folder


def content(database: Database) -> dict[str, list[tuple]]:
    """Every row of every table, the migrations' own included."""
    tables = MetaData()
    with database.engine.connect() as connection:
        tables.reflect(connection)
        return {
            name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for name, table in tables.tables.items()
        }


def revision(database: Database) -> str | None:
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def change(database: Database, *more: str) -> str:
    """A migration of the test's own, in one transaction as all are."""
    statements = (
        'CREATE TABLE newer (id int PRIMARY KEY, who int REFERENCES "user" (id))',
        'ALTER TABLE "user" DROP COLUMN password_hash',
        "UPDATE alembic_version SET version_num = '9999'",
        *more,
    )
    with database.engine.connect() as plain, plain.execution_options(paas_writes=True).begin():
        for statement in statements:
            plain.execute(text(statement))
    return "9999"


def test_a_migration_leaves_a_snapshot_that_root_alone_reads(database, backups):
    lines = migrate(store(database), backups, lambda: change(database))
    assert lines[0] == "database is at 9999"
    snapshot = newest_snapshot(store(database), backups)
    assert lines[1] == f"snapshot {snapshot}" and snapshot.suffix == ".dump"
    assert stat.S_IMODE(snapshot.stat().st_mode) == 0o600
    assert [path.name for path in backups.iterdir()] == [snapshot.name]


def test_a_snapshot_restored_into_a_new_database_has_the_same_rows(database, backups):
    before = content(database)
    snapshot = take_snapshot(store(database), backups)
    with postgres_database() as url, closing(Database(url)) as fresh:
        store(fresh).fill(snapshot)
        assert content(fresh) == before
        assert revision(fresh) == steps.newest()
        add(fresh, "ben")  # sequences go on where they were
        assert count(fresh) == 3


def test_going_back_undoes_what_the_newer_release_did(database, backups):
    before = content(database)
    migrate(store(database), backups, lambda: change(database))
    with database.engine.connect() as held:  # somebody is connected
        assert held.scalar(text("SELECT count(*) FROM newer")) == 0
    assert "newer" in content(database)
    assert go_back(store(database), backups) == [
        f"the database is that of {newest_snapshot(store(database), backups).name}"
    ]
    assert content(database) == before
    assert revision(database) == steps.newest()
    assert migrate(store(database), backups, lambda: change(database))[0] == "database is at 9999"  # the next try
    assert [path.suffix for path in backups.iterdir()] == [".dump", ".dump"]


def test_a_failing_migration_leaves_shape_rows_and_revision_alone(database, backups):
    before = content(database)
    with pytest.raises(UnavailableError) as refusal:
        migrate(store(database), backups, lambda: change(database, "SELECT 1 / 0"))
    assert refusal.value.code == "migration" and "division by zero" in refusal.value.message
    assert content(database) == before
    assert revision(database) == steps.newest()


def test_a_snapshot_that_cannot_be_put_back_changes_nothing(database, backups):
    snapshot = take_snapshot(store(database), backups)
    snapshot.write_bytes(snapshot.read_bytes()[:-2000])
    before = content(database)
    with pytest.raises(UnavailableError) as refusal:
        store(database).fill(snapshot)
    assert refusal.value.code == "snapshot" and "pg_restore" in refusal.value.message
    assert content(database) == before
    assert [path.name for path in backups.iterdir()] == [snapshot.name]


def test_a_rehearsal_leaves_nothing(database, backups):
    assert rehearse(store(database)) == ["a snapshot could be taken"]
    assert list(backups.iterdir()) == []


def test_without_pg_dump_nothing_is_migrated(database, backups, tmp_path):
    with pytest.raises(UnavailableError) as refusal:
        migrate(store(database, [tmp_path / "none"]), backups, lambda: change(database))
    assert (refusal.value.code, refusal.value.hint) == ("pg-dump", "apt-get install postgresql-client")
    assert revision(database) == steps.newest()


def test_a_pg_dump_that_is_older_than_the_server_is_said_so(database, tmp_path):
    old = programs(
        tmp_path / "old", '#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 15.1" || echo 170002\n'
    )
    with pytest.raises(UnavailableError) as refusal:
        rehearse(store(database, [old]))
    assert refusal.value.code == "pg-dump"
    assert refusal.value.message == "pg_dump 15 cannot take a snapshot of PostgreSQL 17"
    assert refusal.value.hint == "apt-get install postgresql-client-17, from apt.postgresql.org"


def test_of_several_versions_the_server_s_own_is_taken(database, backups, tmp_path):
    with database.engine.connect() as connection:
        number = connection.scalar(text("SHOW server_version_num"))
    script = f'#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" || echo {number}\n'
    newer = programs(tmp_path / "newer", script)  # it would write nothing
    assert take_snapshot(store(database, [newer, *program_folders()]), backups).stat().st_size > 1000


def test_the_password_is_in_no_list_of_processes_and_in_no_refusal(database, backups, tmp_path):
    real, log = program_folders()[-1], tmp_path / "log"
    folder = programs(tmp_path / "programs", "")
    for name in PROGRAMS:
        (folder / name).write_text(WRAPPER.format(log=log, program=real / name))
    with closing(Database("postgresql+psycopg://nobody:s3cret@127.0.0.1:1/none?sslmode=prefer")) as nowhere:
        assert (nowhere.libpq["password"], nowhere.libpq["sslmode"]) == ("s3cret", "prefer")
        with pytest.raises(UnavailableError) as refusal:
            rehearse(PgDump(nowhere.libpq, [folder]))
    assert refusal.value.code == "snapshot" and "refused" in refusal.value.message
    take_snapshot(store(database, [folder]), backups)
    seen = log.read_text()
    assert "pg_dump --no-password" in seen and database.libpq["dbname"] not in seen
    assert "s3cret" not in seen + str(refusal.value)


def test_a_person_s_own_settings_for_psql_do_not_count(database, backups, tmp_path, monkeypatch):
    (tmp_path / ".psqlrc").write_text("\\quit\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    before, snapshot = content(database), take_snapshot(store(database), backups)
    with database.write() as session:
        session.execute(delete(User))
    store(database).fill(snapshot)
    assert content(database) == before
