from __future__ import annotations

from dataclasses import replace

import pytest

from paas.ports import Site
from tests.contracts.proxy import SHOP, ProxyContract
from tests.fakes.proxy import FakeProxy


class TestFakeProxy(ProxyContract):
    @pytest.fixture
    def proxy(self) -> FakeProxy:
        return FakeProxy()

    @pytest.fixture
    def broken_site(self, proxy: FakeProxy) -> Site:
        proxy.broken["broken00"] = "unexpected end of file"
        return replace(SHOP, app_id="broken00", hosts=("broken.localhost",))
