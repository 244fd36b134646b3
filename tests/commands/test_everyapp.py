"""--all: one command for every app."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from paas.commands.everyapp import batches
from paas.errors import UsageError
from paas.model import Database, Job, select, update
from tests.commands.world import World
from tests.fakes.line import FakeLine


@dataclass
class BusyLine(FakeLine):
    """A worker that ends each job as soon as it is rung; those of `failing` badly."""

    database: Database
    failing: str = ""

    def ring(self) -> None:
        with self.database.write() as session:
            queued = update(Job).where(Job.state == "queued")
            session.execute(queued.where(Job.app_name == self.failing).values(state="failed", result_code="no"))
            session.execute(queued.values(state="succeeded"))


@pytest.fixture
def three(small_world: World) -> World:
    small_world.on = replace(small_world.on, worker=BusyLine(small_world.on.database))
    for name in ("blog", "shop", "wiki", "new"):
        small_world.type(small_world.admin, f"apps:create {name}")
    for name in ("blog", "shop", "wiki"):
        small_world.deployed(name)
    return small_world


def _wanted(world: World, kind: str) -> list[str | None]:
    with world.on.database.read() as session:
        return list(session.scalars(select(Job.app_name).where(Job.kind == kind).order_by(Job.id)))


def test_it_is_done_to_all_deployed_apps_that_the_caller_may_do_it_to(three: World) -> None:
    three.grant(three.member, "shop", "operate")
    three.grant(three.member, "wiki", "view")
    assert three.type(three.member, "ps:restart --all")[0] == 0
    assert _wanted(three, "restart") == ["shop"]
    assert three.type(three.stranger, "ps:stop --all")[0] == 0
    assert three.type(three.admin, "ps:stop --all --parallel 2 --quiet")[0] == 0
    assert _wanted(three, "stop") == ["blog", "shop", "wiki"]


def test_one_that_fails_stops_no_other_and_is_told_by_the_exit_code(three: World) -> None:
    three.on = replace(three.on, worker=BusyLine(three.on.database, failing="shop"))
    code, screen = three.type(three.admin, "ps:rebuild --all --parallel -1")
    assert code == 1 and "[no]" in screen.err
    assert _wanted(three, "rebuild") == ["blog", "shop", "wiki"]
    assert [line for line in screen.out.splitlines() if line.startswith("----->")] == [
        "-----> Rebuilding blog", "-----> Rebuilding shop", "-----> Rebuilding wiki",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "ps:restart", "ps:restart --all web", "ps:stop blog --all", "--app blog ps:stop --all",
        "ps:stop blog --parallel 2", "ps:stop --all --parallel 0", "ps:stop --all --parallel x", "ps:inspect --all",
    ],
)  # fmt: skip
def test_what_goes_not_together_with_all_is_said(three: World, line: str) -> None:
    code, screen = three.type(three.admin, line)
    assert code == 1 and "[usage]" in screen.err
    assert _wanted(three, "stop") == _wanted(three, "restart") == []


def test_apps_are_taken_one_by_one_or_so_many_at_a_time() -> None:
    names = ["a", "b", "c"]
    assert list(batches(names, 1)) == [["a"], ["b"], ["c"]]
    assert list(batches(names, 2)) == [["a", "b"], ["c"]]
    assert list(batches(names, -1)) == [names]
    assert list(batches([], -1)) == []
    with pytest.raises(UsageError):
        batches(names, -2)
