"""How is a SQLite database copied while others use it, and filled again? (sqlite.org/backup.html)"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from paas.adapters.migration import Upgrade


class SqliteFile:
    """Implements migration.Store for the database in this file."""

    suffix = ".db"
    undoes_itself = False

    def __init__(self, path: Path, upgrade: Upgrade) -> None:
        self._path = path
        self._upgrade = upgrade

    def rehearse(self) -> str:
        """Migrate a copy, and throw it away."""
        with _trial_copy(self._path) as trial:
            return f"a copy could be brought to {self._upgrade(f'sqlite:///{trial}')}"

    def save(self, target: Path) -> None:
        _copy(self._path, target)

    def fill(self, snapshot: Path) -> None:
        """The file itself stays: others hold it open."""
        _copy(snapshot, self._path)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)


@contextlib.contextmanager
def _trial_copy(path: Path) -> Iterator[Path]:
    trial = path.with_name(".trial.db")
    _remove_database(trial)
    try:
        os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(path, trial)
        yield trial
    finally:
        _remove_database(trial)


def _remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
