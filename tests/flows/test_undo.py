"""What was done is taken back, newest first; an undo that fails hides neither the others nor the reason."""

from __future__ import annotations

import pytest

from paas.flows.undo import Undo


def test_deeds_are_taken_back_newest_first() -> None:
    done: list[str] = []
    with pytest.raises(RuntimeError, match="the reason"), Undo() as undo:
        undo.by(done.append, "first")
        undo.by(done.append, "second")
        raise RuntimeError("the reason")
    assert done == ["second", "first"]


def test_an_undo_that_fails_is_left_to_the_reconciler() -> None:
    done: list[str] = []

    def fail() -> None:
        raise OSError("Docker is down")

    with pytest.raises(RuntimeError, match="the reason"), Undo() as undo:
        undo.by(done.append, "first")
        undo.by(fail)
        raise RuntimeError("the reason")
    assert done == ["first"]


def test_past_the_point_of_no_return_nothing_is_taken_back() -> None:
    done: list[str] = []
    with Undo() as undo:
        undo.by(done.append, "first")
        undo.pop_all()
    assert done == []
