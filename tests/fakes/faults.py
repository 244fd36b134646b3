"""Fail-points that raise instead of killing the process, and remember where a flow came by."""

from __future__ import annotations


class ReachedError(BaseException):
    """The armed fail-point was reached. Not an Exception: no undo and no `except Exception` may survive a kill -9."""


class FakeFaults:
    def __init__(self, armed: str = "") -> None:
        self.armed = armed
        self.reached: list[str] = []

    def reach(self, point: str) -> None:
        self.reached.append(point)
        if point == self.armed:
            self.armed = ""
            raise ReachedError(point)
