"""How does the database get to this release's shape, and back when that fails? Behind `paas migrate`.

A SQLite database is copied to `backups/` first. The migration is then tried on another copy, so that one which cannot
work is found while the old release still runs; should it fail on the real file after all, the copy is put back.
PostgreSQL runs each migration in one transaction and needs neither.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from paas.adapters.installation import sqlite_file
from paas.errors import UnavailableError
from paas.settings import Settings

SNAPSHOTS_KEPT = 5

Upgrade = Callable[[str], str]  # migrates the database of this URL in one transaction; its new revision


def migrate(settings: Settings, upgrade: Upgrade, *, only_try: bool = False) -> list[str]:
    """Bring the database to the newest revision; the lines tell what was done.

    only_try: on a copy, leaving the database alone. Raises UnavailableError (code `migration`) and leaves the
    database as it was when a migration fails.
    """
    path = sqlite_file(settings)
    if path is None:
        return [] if only_try else [f"database is at {_upgrade(upgrade, settings.url)}"]
    if not _has_tables(path):
        return [] if only_try else [f"new database at {_upgrade(upgrade, settings.url)}"]
    with _trial_copy(path) as trial:
        revision = _upgrade(upgrade, f"sqlite:///{trial}")
    if only_try:
        return [f"a copy could be brought to {revision}"]
    snapshot = take_snapshot(path, settings.folder("backups"))
    try:
        return [f"database is at {_upgrade(upgrade, settings.url)}", f"snapshot {snapshot}"]
    except UnavailableError:
        put_back(snapshot, path)
        raise


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


def _upgrade(upgrade: Upgrade, url: str) -> str:
    try:
        return upgrade(url)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnavailableError(
            f"The database migration failed: {reason}", "the database is as it was", code="migration"
        ) from error
