from __future__ import annotations

import pytest

from tests.contracts.vault import VaultContract
from tests.fakes.vault import FakeVault


class TestFakeVault(VaultContract):
    @pytest.fixture
    def vault(self) -> FakeVault:
        return FakeVault()
