from __future__ import annotations

import threading

from paas.worker.locks import AppLocks
from tests.waiting import PATIENCE


def test_repairs_share_an_app() -> None:
    locks = AppLocks()
    with locks.share("a") as first, locks.share("a") as second:
        assert first and second


def test_a_repair_leaves_an_app_to_its_job() -> None:
    locks = AppLocks()
    with locks.hold("a"), locks.share("a") as mine, locks.share("b") as other:
        assert (mine, other) == (False, True)
    with locks.share("a") as mine:
        assert mine


def test_a_job_waits_for_repairs_and_lets_no_more_begin() -> None:
    locks = AppLocks()
    begun = threading.Event()

    def run_job() -> None:
        with locks.hold("a"):
            begun.set()

    with locks.share("a"):
        job = threading.Thread(target=run_job)
        job.start()
        assert not begun.wait(0.05)
        with locks.share("a") as another:
            assert not another
    job.join(PATIENCE)
    assert begun.is_set()
