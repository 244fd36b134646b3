from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from paas.ports import BuildOrder
from tests.contracts.builder import BuilderContract, Inspect, Order
from tests.fakes.builder import FakeBuilder
from tests.fakes.runtime import FakeRuntime


class TestFakeBuilder(BuilderContract):
    @pytest.fixture
    def runtime(self) -> FakeRuntime:
        return FakeRuntime()

    @pytest.fixture
    def builder(self, runtime: FakeRuntime) -> FakeBuilder:
        return FakeBuilder(runtime)

    @pytest.fixture
    def order(self) -> Order:
        def order(files: Mapping[str, str]) -> BuildOrder:
            return BuildOrder("abcd1234", "blog", "paas/abcd1234:x", Path("/s.tar"), labels={"paas.app_id": "abcd1234"})

        return order

    @pytest.fixture
    def labels_of(self, runtime: FakeRuntime) -> Inspect:
        def labels_of(image: str) -> Mapping[str, Any]:
            facts = runtime.image(image)
            assert facts is not None
            return facts.labels

        return labels_of
