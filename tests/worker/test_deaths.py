from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import IPv4Network

import pytest

from paas.adapters.system import SystemClock
from paas.errors import UnavailableError
from paas.ports import ContainerSpec, ImageFacts, NetworkSpec
from paas.rules import names
from paas.worker.deaths import DeathWatch
from tests.fakes.clock import START
from tests.fakes.runtime import FakeRuntime
from tests.waiting import PATIENCE, wait_until

APP = "app00001"


@pytest.fixture
def runtime() -> FakeRuntime:
    fake = FakeRuntime(SystemClock())
    fake.add_image(ImageFacts("sha256:1", (), 1, START, (), (), (), "", {}))
    fake.create_network(NetworkSpec(f"paas-{APP}", APP, IPv4Network("10.208.0.0/25")))
    return fake


def start(runtime: FakeRuntime, name: str) -> str:
    runtime.start(ContainerSpec(name, "sha256:1", APP, "blog", "web", 1, 1, 1))
    return name


class Watched:
    def __init__(self, runtime: FakeRuntime, then: Callable[[], datetime | None] = lambda: None) -> None:
        self.apps: list[str] = []
        self.others = threading.Event()
        self._then = then
        self.watch = DeathWatch(runtime, SystemClock(), self._look_after, self.others.set)
        self.watch.start()
        wait_until(lambda: runtime._listeners)

    def _look_after(self, app_id: str) -> datetime | None:
        self.apps.append(app_id)
        return self._then()


def test_a_dead_copys_app_is_looked_after_at_once(runtime: FakeRuntime) -> None:
    watched = Watched(runtime)
    runtime.die(start(runtime, names.container_name(APP, "web", 1, 1)))
    wait_until(lambda: watched.apps == [APP])
    watched.watch.stop()


def test_it_is_looked_after_again_when_its_back_off_is_over(runtime: FakeRuntime) -> None:
    dues = [SystemClock().now() + timedelta(seconds=0.05)]
    watched = Watched(runtime, lambda: dues.pop() if dues else None)
    runtime.die(start(runtime, names.container_name(APP, "web", 1, 1)))
    wait_until(lambda: watched.apps == [APP, APP])
    watched.watch.stop()


def test_a_failing_look_does_not_end_the_watch(runtime: FakeRuntime) -> None:
    def fail() -> datetime | None:
        raise UnavailableError("Docker does not answer")

    watched = Watched(runtime, fail)
    for rollout in (1, 2):
        runtime.die(start(runtime, names.container_name(APP, "web", 1, rollout)))
        wait_until(lambda count=rollout: len(watched.apps) == count)
    watched.watch.stop()


def test_the_end_of_a_one_off_is_told_apart(runtime: FakeRuntime) -> None:
    watched = Watched(runtime)
    runtime.die(start(runtime, names.task_container_name(APP, "run", 7)))
    assert watched.others.wait(PATIENCE)
    assert watched.apps == []
    watched.watch.stop()
