from __future__ import annotations

import pytest

from paas.model import Database
from tests.web.world import WebWorld


@pytest.fixture
def world(sqlite_database: Database) -> WebWorld:
    """The dashboard at http://paas.example.com."""
    return WebWorld(sqlite_database)
