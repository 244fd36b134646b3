"""How does the database get to this release's shape, and back when that fails? Behind `paas migrate`.

A snapshot goes to `backups/` first. Before that the migration is rehearsed while the old release still runs: what
cannot work is found there and changes nothing. A SQLite database is migrated as a copy; should the real one fail after
all, the snapshot is put back. PostgreSQL migrates in one transaction, which needs neither; that a snapshot of it can be
taken is rehearsed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from paas.errors import UnavailableError

SNAPSHOTS_KEPT = 5

Upgrade = Callable[[str], str]  # migrates the database of this URL in one transaction; its new revision


class Store(Protocol):
    """One kind of database. `suffix`: of its snapshots; `undoes_itself`: a failed migration leaves no trace."""

    suffix: str
    undoes_itself: bool

    def rehearse(self) -> str:
        """Find what would be in the way of a migration, changing nothing; what was found out."""

    def save(self, target: Path) -> None:
        """Write a snapshot into this empty file."""

    def fill(self, snapshot: Path) -> None:
        """Have the database be that of the snapshot, while others are connected."""


def begin(upgrade: Callable[[], str]) -> list[str]:
    """Fill an empty database; the lines tell what was done, as of all that follow."""
    return [f"new database at {_told(upgrade)}"]


def rehearse(store: Store) -> list[str]:
    """Raises UnavailableError (code `migration` when one fails) for what would be in the way; nothing is changed."""
    return [_told(store.rehearse)]


def migrate(store: Store, folder: Path, upgrade: Callable[[], str]) -> list[str]:
    """Bring a database to the newest revision, after a snapshot into `folder`.

    Raises UnavailableError (code `migration` when one fails) and leaves all as it was.
    """
    rehearse(store)
    snapshot = take_snapshot(store, folder)
    try:
        return [f"database is at {_told(upgrade)}", f"snapshot {snapshot}"]
    except UnavailableError:
        if not store.undoes_itself:
            store.fill(snapshot)
        raise


def take_snapshot(store: Store, folder: Path) -> Path:
    """A new file that root alone reads; the oldest snapshots go."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target, half = folder / f"before-migration-{moment}{store.suffix}", folder / ".before-migration"
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        store.save(half)
        half.rename(target)  # only what is whole bears a snapshot's name
    finally:
        half.unlink(missing_ok=True)
    for old in _snapshots(store, folder)[:-SNAPSHOTS_KEPT]:
        old.unlink()
    return target


def newest_snapshot(store: Store, folder: Path) -> Path:
    """Raises UnavailableError when no migration has left one."""
    snapshots = _snapshots(store, folder)
    if not snapshots:
        raise UnavailableError(f"There is no snapshot in {folder}", "restore a backup", code="no-snapshot")
    return snapshots[-1]


def go_back(store: Store, folder: Path) -> list[str]:
    """Put the snapshot of the last migration back."""
    snapshot = newest_snapshot(store, folder)
    store.fill(snapshot)
    return [f"the database is that of {snapshot.name}"]


def _told(upgrade: Callable[[], str]) -> str:
    """What it returns. Raises UnavailableError (code `migration`) with the first line of any other failure."""
    try:
        return upgrade()
    except UnavailableError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnavailableError(
            f"The database migration failed: {reason}", "the database is as it was", code="migration"
        ) from error


def _snapshots(store: Store, folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(folder.glob(f"before-migration-*{store.suffix}"))
