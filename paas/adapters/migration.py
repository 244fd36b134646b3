"""How does the database get to this release's shape, and back when that fails? Behind `paas migrate`.

A SQLite database is copied to `backups/` first. The migration is then tried on another copy, so that one which cannot
work is found while the old release still runs; should it fail on the real file after all, the copy is put back.
PostgreSQL runs each migration in one transaction and needs neither.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from paas.adapters.installation import sqlite_file
from paas.errors import UnavailableError
from paas.settings import Settings

SNAPSHOTS_KEPT = 5
MIGRATION_TIMEOUT = 600.0
MARK = "Running upgrade"  # Alembic's line for each step


def migrate(settings: Settings, root: Path, *, only_try: bool = False) -> list[str]:
    """Bring the database to the newest revision; the lines tell what was done.

    only_try: on a copy, leaving the database alone. Raises UnavailableError (code `migration`) and leaves the
    database as it was when a migration fails.
    """
    path = sqlite_file(settings)
    if path is None:
        return [] if only_try else [_upgrade(root, settings.url)]
    with _trial_copy(path) as trial:
        report = _upgrade(root, f"sqlite:///{trial}")
    if only_try:
        return [f"tried on a copy: {report}"]
    snapshot = take_snapshot(path, settings.folder("backups")) if _has_tables(path) else None
    try:
        lines = [_upgrade(root, settings.url)]
    except UnavailableError:
        if snapshot:
            put_back(snapshot, path)
        raise
    return [*lines, f"snapshot {snapshot}"] if snapshot else lines


def take_snapshot(path: Path, folder: Path) -> Path:
    """Copy a SQLite database while others use it (sqlite.org/backup.html); the oldest snapshots go."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = folder / f"before-migration-{moment}.db"
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _copy(path, target)
    for old in sorted(folder.glob("before-migration-*.db"))[:-SNAPSHOTS_KEPT]:
        old.unlink()
    return target


def newest_snapshot(folder: Path) -> Path:
    """Raises UnavailableError when no migration has left one."""
    snapshots = sorted(folder.glob("before-migration-*.db"))
    if not snapshots:
        raise UnavailableError(f"There is no snapshot in {folder}", "restore a backup", code="no-snapshot")
    return snapshots[-1]


def go_back(settings: Settings) -> list[str]:
    """Put the snapshot of the last migration back. On PostgreSQL nothing: there the database's own backups are used."""
    path = sqlite_file(settings)
    if path is None:
        return []
    snapshot = newest_snapshot(settings.folder("backups"))
    put_back(snapshot, path)
    return [f"the database is that of {snapshot.name}"]


def put_back(snapshot: Path, path: Path) -> None:
    """Fill the database with the snapshot's content. The file itself stays: others hold it open."""
    _copy(snapshot, path)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)


@contextlib.contextmanager
def _trial_copy(path: Path) -> Iterator[Path]:
    trial = path.with_name(".trial.db")
    _remove_database(trial)
    try:
        os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if path.exists():
            _copy(path, trial)
        yield trial
    finally:
        _remove_database(trial)


def _remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _has_tables(path: Path) -> bool:
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(count)


def _upgrade(root: Path, url: str) -> str:
    """Run Alembic; the URL travels by environment, because it may hold a password."""
    answer = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(root / "migrations" / "alembic.ini"), "upgrade", "head"],
        cwd=root,
        env=dict(os.environ) | {"PAAS_DATABASE_URL": url, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=MIGRATION_TIMEOUT,
        check=False,
    )
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnavailableError(
            f"The database migration failed: {reason}", "the database is as it was", code="migration"
        )
    steps = [line.partition(MARK)[2].strip() for line in answer.stderr.splitlines() if MARK in line]
    return "migrated " + ", ".join(steps) if steps else "database is up to date"
