"""One platform for the journeys that can share it, and platforms of their own for those that break things."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import postgres_database
from tests.journeys.installation import Installation


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running platform on SQLite. Each journey uses app names of its own and leaves the platform running."""
    made = Installation(tmp_path_factory.mktemp("p"))
    try:
        yield made.install()
    finally:
        made.remove()


@pytest.fixture(scope="session")
def shared_on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with postgres_database() as url:
        made = Installation(tmp_path_factory.mktemp("p"), database_url=url)
        try:
            yield made.install()
        finally:
            made.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def platform(request: pytest.FixtureRequest) -> Installation:
    """The shared platform, once on SQLite and once on PostgreSQL."""
    name = {"sqlite": "shared", "postgresql": "shared_on_postgresql"}[request.param]
    found: Installation = request.getfixturevalue(name)
    return found


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Installation]]:
    """Makes platforms for one test: `own(stop_timeout="1")` is running when it is returned."""
    made: list[Installation] = []

    def make(**settings: str) -> Installation:
        made.append(Installation(tmp_path_factory.mktemp("p"), **settings))
        return made[-1].install()

    yield make
    for each in made:
        each.remove()
