from __future__ import annotations

import threading
import time
from collections.abc import Callable

from paas.errors import UnavailableError
from paas.worker.clock import Entry, Timetable
from tests.waiting import PATIENCE


class Counter:
    def __init__(self, then: Callable[[], float | None] = lambda: None) -> None:
        self.count = 0
        self._then = then
        self._changed = threading.Condition()

    def __call__(self) -> float | None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()
        return self._then()

    def reaches(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, timeout=PATIENCE)


def started(*entries: Entry) -> Timetable:
    timetable = Timetable(entries)
    timetable.start()
    return timetable


def test_an_entry_runs_at_the_start_and_at_its_interval() -> None:
    often, once, later = Counter(), Counter(), Counter()
    timetable = started(Entry("often", 0.01, often), Entry("once", 60, once), Entry("later", 60, later, delay=60))
    assert often.reaches(5)
    timetable.stop()
    assert (once.count, later.count) == (1, 0)


def test_a_kick_runs_an_entry_now() -> None:
    counter = Counter()
    timetable = started(Entry("one", 60, counter))
    assert counter.reaches(1)
    timetable.kick("one")
    assert counter.reaches(2)
    timetable.stop()


def test_a_kick_while_it_runs_means_once_more() -> None:
    going_on = threading.Event()
    counter = Counter(lambda: (going_on.wait(PATIENCE), None)[1])
    timetable = started(Entry("one", 60, counter))
    assert counter.reaches(1)
    timetable.kick("one")
    assert counter.count == 1  # never beside itself
    going_on.set()
    assert counter.reaches(2)
    timetable.stop()


def test_a_failing_entry_is_tried_again() -> None:
    def fail() -> float | None:
        raise UnavailableError("Docker does not answer") if counter.count % 2 else RuntimeError("a bug")

    counter = Counter(fail)
    timetable = started(Entry("one", 0.01, counter))
    assert counter.reaches(4)
    timetable.stop()


def test_an_entry_may_ask_to_run_again_soon() -> None:
    counter = Counter(lambda: 0.01)
    timetable = started(Entry("one", 60, counter))
    assert counter.reaches(5)
    timetable.stop()


def test_nothing_runs_after_the_stop() -> None:
    counter = Counter()
    timetable = started(Entry("one", 0.01, counter))
    assert counter.reaches(1)
    timetable.stop()
    time.sleep(0.05)
    stopped_at = counter.count
    time.sleep(0.05)
    assert counter.count == stopped_at
