from __future__ import annotations

import pytest

from paas.model import Database
from tests.commands.world import World


@pytest.fixture
def world(database: Database) -> World:
    """Commands on both kinds of database."""
    return World(database)


@pytest.fixture
def small_world(sqlite_database: Database) -> World:
    """Where the kind of database does not matter."""
    return World(sqlite_database)
