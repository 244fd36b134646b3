"""Twenty swaps under load, and no request that fails: on new connections, and on a kept one with one retry."""

from __future__ import annotations

import pytest

from tests.journeys.installation import Installation
from tests.journeys.leftovers import assert_nothing_is_left
from tests.journeys.prober import Prober
from tests.journeys.repository import small_app

APP = "swapped"
SWAPS = 20


def test_twenty_swaps_under_load_fail_no_request(shared: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    repository = shared.repository(APP)
    repository.commit(small_app("0"))
    assert repository.push().returncode == 0
    with Prober(shared.http_port, shared.host(APP)) as prober:
        for number in range(1, SWAPS, 2):
            repository.commit(small_app(str(number)))
            pushed = repository.push()
            assert pushed.returncode == 0, pushed.stderr
            restarted = shared.ssh("ps:restart", APP)
            assert restarted.returncode == 0, restarted.stderr
    with capsys.disabled():
        print(f"\n{SWAPS} swaps, {prober.count} requests, {len(prober.failures)} failed")
    assert prober.failures == []
    assert set(prober.answers) == {"0", *(str(number) for number in range(1, SWAPS, 2))}
    assert shared.app(APP).last_rollout == 1 + SWAPS
    assert_nothing_is_left(shared)
