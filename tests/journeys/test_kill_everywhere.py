"""Kill everywhere: at whatever step of a deploy the worker dies, the old or the new release serves; nothing is left.

The worker kills itself with -9 at a named fail-point (flows/step.py); the supervisor starts the next, which resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import pytest

from paas.flows.step import POINTS
from tests.journeys.installation import Installation
from tests.journeys.leftovers import assert_nothing_is_left
from tests.journeys.prober import Prober
from tests.journeys.repository import Repository, small_app
from tests.waiting import wait_until

APP = "killed"
BRANCH_FOLLOWS = 5.0  # seconds, as promised
EVERYWHERE = [(kind, point) for kind in ("sqlite", "postgresql") for point in POINTS]
OTHER_FLOWS = [
    *(("sqlite", "config", f"deploy.{it}") for it in ("cut.after", "start.after", "mark.after", "current.after")),
    *(("postgresql", "config", f"deploy.{it}") for it in ("cut.before", "switch.after", "current.before")),
    *(("sqlite", "rollback", f"deploy.{it}") for it in ("cut.before", "health.after", "current.before")),
    *(("postgresql", "rollback", f"deploy.{it}") for it in ("cut.after", "mark.after", "current.after")),
    *(("sqlite", "restart", f"deploy.{it}") for it in ("plan.after", "switch.after", "current.after")),
    *(("sqlite", "scale", f"deploy.{it}") for it in ("start.before", "mark.before", "current.after")),
]


@dataclass
class World:
    """A platform on one kind of database, with an app that serves."""

    on: Installation
    repository: Repository
    serves: str = "0"
    count: int = 0

    def push_next(self) -> tuple[str, str, bool, str]:
        """Push another version: (version, commit, whether it was accepted, what was said)."""
        self.count += 1
        version = f"version {self.count}"
        commit = self.repository.commit(small_app(version))
        pushed = self.repository.push()
        return version, commit, pushed.returncode == 0, pushed.stderr


@pytest.fixture(scope="module")
def worlds(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], World]]:
    """`worlds("postgresql")`: made when first asked for; on SQLite a platform of its own, where nothing else is."""
    with ExitStack() as ends:

        def on_sqlite() -> Installation:
            made = Installation(tmp_path_factory.mktemp("p"))
            ends.callback(made.remove)
            return made.install()

        @cache
        def world(kind: str) -> World:
            on = on_sqlite() if kind == "sqlite" else request.getfixturevalue("shared_on_postgresql")
            made = World(on, on.repository(APP))
            assert made.push_next()[2]
            return made

        yield world


@pytest.mark.parametrize(("kind", "point"), EVERYWHERE)
def test_a_worker_killed_anywhere_in_a_deploy_leaves_the_old_or_the_new_release(
    worlds: Callable[[str], World], kind: str, point: str
) -> None:
    world = worlds(kind)
    on = world.on
    before, old_commit = on.get(APP)[1], world.repository.remote_branch()
    on.arm(point)
    with Prober(on.http_port, on.host(APP)) as prober:
        version, commit, is_accepted, said = world.push_next()
        assert not on.is_armed(), f"the worker never came to {point}"
        serving = on.get(APP)
        branch = commit if is_accepted else old_commit
        wait_until(lambda: world.repository.remote_branch() == branch, BRANCH_FOLLOWS, "the branch")
    assert prober.failures == []
    assert set(prober.answers) <= {before, version}
    assert is_accepted or "[" in said, said
    assert serving == (200, version if is_accepted else before)
    assert_nothing_is_left(on)
    version, commit, is_accepted, said = world.push_next()
    assert is_accepted, said
    assert on.get(APP) == (200, version)
    assert world.repository.remote_branch() == commit


@pytest.mark.parametrize(("kind", "flow", "point"), OTHER_FLOWS)
def test_a_worker_killed_in_another_flow_is_replaced_by_one_that_brings_it_to_its_end(
    worlds: Callable[[str], World], kind: str, flow: str, point: str
) -> None:
    world = worlds(kind)
    on = world.on
    before = on.get(APP)[1]
    if flow == "rollback":
        assert world.push_next()[2]
    greeting, copies = f"{kind} {point}", str(2 - (point == OTHER_FLOWS[-1][2]))
    words, versions, path, answer = {
        "config": (("config:set", APP, f"'GREETING={greeting}'"), 1, "/env/GREETING", greeting),
        "rollback": (("rollback", APP), 1, "/", before),
        "restart": (("ps:restart", APP), 0, "/", before),
        "scale": (("ps:scale", APP, f"web={copies}"), 0, "/", before),
    }[flow]
    last = on.app(APP).last_version
    branch = world.repository.remote_branch()
    on.arm(point)
    with Prober(on.http_port, on.host(APP)) as prober:
        done = on.ssh(*words)
    assert not on.is_armed(), f"the worker never came to {point}"
    assert done.returncode == 0, done.stderr
    assert prober.failures == []
    assert on.get(APP, path) == (200, answer)
    assert on.app(APP).last_version == last + versions  # a job that is run again keeps the number it took
    assert world.repository.remote_branch() == branch
    assert_nothing_is_left(on)
    assert world.push_next()[2]
