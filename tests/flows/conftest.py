"""The stage for stories of flows: on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from paas.model import Database
from tests.flows.stage import Stage


@pytest.fixture
def stage(database: Database, tmp_path: Path) -> Stage:
    return Stage(database, tmp_path)


@pytest.fixture
def sqlite_stage(sqlite_database: Database, tmp_path: Path) -> Stage:
    """Where the kind of database does not matter."""
    return Stage(sqlite_database, tmp_path)
