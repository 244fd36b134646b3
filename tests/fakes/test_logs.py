from __future__ import annotations

import pytest

from tests.contracts.logs import LogsContract
from tests.fakes.logs import FakeLogs


class TestFakeLogs(LogsContract):
    @pytest.fixture
    def logs(self) -> FakeLogs:
        return FakeLogs()
