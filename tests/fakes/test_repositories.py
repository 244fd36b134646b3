from __future__ import annotations

import pytest

from tests.contracts.repositories import APP, Committer, RepositoriesContract
from tests.fakes.repositories import FakeRepositories


class TestFakeRepositories(RepositoriesContract):
    @pytest.fixture
    def repositories(self) -> FakeRepositories:
        made = FakeRepositories()
        made.create(APP)
        return made

    @pytest.fixture
    def commit(self, repositories: FakeRepositories) -> Committer:
        return repositories.commit
