"""A push whose branch moved is refused, unless it has what the branch moved to."""

from __future__ import annotations

import pytest

from paas.errors import ConflictError
from paas.rules.jobs import Push
from paas.rules.queue import check_turn

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.mark.parametrize(
    ("push", "stands_at"),
    [
        (Push(branch="main", old=None, new=A), None),
        (Push(branch="main", old=A, new=B), A),
        (Push(branch="main", old=A, new=B), None),
        (Push(branch="main", old=A, new=C, descends_from=(B,)), B),
        (Push(branch="main", old=A, new=B), B),
    ],
)
def test_a_push_that_knows_where_the_branch_stands_may_deploy(push: Push, stands_at: str | None) -> None:
    check_turn(push, stands_at)


@pytest.mark.parametrize(
    ("push", "stands_at"),
    [(Push(branch="main", old=None, new=A), B), (Push(branch="main", old=A, new=C, descends_from=(A,)), B)],
)
def test_a_push_that_does_not_is_refused_with_what_to_type(push: Push, stands_at: str) -> None:
    with pytest.raises(ConflictError, match="main moved while you waited: fetch and push again") as refusal:
        check_turn(push, stands_at)
    assert refusal.value.code == "branch-moved"
