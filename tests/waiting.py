"""How long may a test wait for what happens beside it?

So long that a busy machine fails no test: a wait that ends as soon as its condition holds costs a quick machine
nothing, and how quick something is, is asked by the benchmarks (tests/bench).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 60.0  # seconds
LONGEST_PAUSE = 0.2  # between two questions (s): what is so for two seconds only is not slept through

Answer = TypeVar("Answer")


def wait_until(is_so: Callable[[], Answer], timeout: float = PATIENCE, what: str = "it") -> Answer:
    """The first true answer. Raises AssertionError after `timeout` seconds."""
    began = asked = time.monotonic()
    while not (answer := is_so()):
        now = time.monotonic()
        assert now - began < timeout, f"{what} did not happen within {timeout} s"
        time.sleep(min(max(0.005, now - asked), LONGEST_PAUSE))  # asking is half of the load at most
        asked = time.monotonic()
    return answer
