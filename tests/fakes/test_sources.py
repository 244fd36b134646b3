from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.contracts.sources import Put, SourcesContract
from tests.fakes.sources import FakeSources


class TestFakeSources(SourcesContract):
    @pytest.fixture
    def sources(self) -> FakeSources:
        return FakeSources()

    @pytest.fixture
    def put(self, sources: FakeSources) -> Put:
        def put(name: str, files: Mapping[str, bytes]) -> str:
            sources.inbox[name] = files
            return "0" * 64

        return put
