from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from paas.adapters.logfiles import LogFiles
from paas.adapters.system import SystemClock
from paas.ports import Container, ContainerSpec, ImageFacts, NetworkSpec
from paas.rules import names
from paas.rules.logline import LogRecord, parse_record
from paas.worker.followlogs import ContainerLogs
from tests.fakes.clock import START, FakeClock
from tests.fakes.runtime import FakeRuntime
from tests.waiting import wait_until

APP = "abcdefgh"
LOG = f"{APP}/web.1.log"


@pytest.fixture
def logs(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path / "logs")


@pytest.fixture
def runtime() -> FakeRuntime:
    fake = FakeRuntime()
    fake.add_image(ImageFacts("sha256:1", (), 1, START, (), (), (), "", {}))
    fake.create_network(NetworkSpec(f"paas-{APP}", APP, IPv4Network("10.208.0.0/25")))
    return fake


@pytest.fixture
def keeper(runtime: FakeRuntime, logs: LogFiles) -> Iterator[ContainerLogs]:
    made = ContainerLogs(runtime, logs, SystemClock(), lambda container: ["a-secret-value"])
    yield made
    made.close()


def start(runtime: FakeRuntime, rollout: int = 1) -> Container:
    name = names.container_name(APP, "web", 1, rollout)
    return runtime.start(ContainerSpec(name, "sha256:1", APP, "blog", "web", 1, rollout, rollout))


def records(logs: LogFiles) -> list[LogRecord]:
    found = [parse_record(line) for line in logs.tail(LOG, 1_000_000)]
    assert None not in found
    return [record for record in found if record]


def texts(logs: LogFiles) -> list[str]:
    return [record.text for record in records(logs)]


def test_what_a_container_prints_is_in_its_log_at_once(
    keeper: ContainerLogs, runtime: FakeRuntime, logs: LogFiles
) -> None:
    container = start(runtime)
    runtime.say(container.name, "before anyone followed")
    keeper.begin(container)
    runtime.say(container.name, "oh no", "stderr")
    wait_until(lambda: len(texts(logs)) == 2)
    first, second = records(logs)
    assert (first.process, first.rollout, first.stream, first.text) == ("web.1", 1, "stdout", "before anyone followed")
    assert (second.stream, second.text) == ("stderr", "oh no")


def test_secrets_are_redacted(keeper: ContainerLogs, runtime: FakeRuntime, logs: LogFiles) -> None:
    container = start(runtime)
    keeper.begin(container)
    runtime.say(container.name, "password is a-secret-value!")
    wait_until(lambda: texts(logs) == ["password is ********!"])


def test_finish_waits_for_the_last_line(keeper: ContainerLogs, runtime: FakeRuntime, logs: LogFiles) -> None:
    container = start(runtime)
    keeper.begin(container)
    for number in range(1000):
        runtime.say(container.name, f"line {number}")
    runtime.die(container.name)
    keeper.finish(container.name)
    assert texts(logs) == [f"line {number}" for number in range(1000)]


def test_a_container_that_nobody_followed_is_read_when_it_is_finished(
    keeper: ContainerLogs, runtime: FakeRuntime, logs: LogFiles
) -> None:
    container = start(runtime)
    runtime.say(container.name, "hello")
    runtime.die(container.name)
    keeper.finish(container.name)
    keeper.finish(container.name)
    assert texts(logs) == ["hello"]


def test_a_container_that_is_gone_is_finished(keeper: ContainerLogs) -> None:
    keeper.finish(names.container_name(APP, "web", 1, 9))


def test_two_containers_of_one_copy_share_a_log(keeper: ContainerLogs, runtime: FakeRuntime, logs: LogFiles) -> None:
    old, new = start(runtime, 1), start(runtime, 2)
    keeper.begin(old)
    keeper.begin(new)
    for number in range(100):
        runtime.say(old.name, f"old {number}")
        runtime.say(new.name, f"new {number}")
    for container in (old, new):
        runtime.die(container.name)
        keeper.finish(container.name)
    for word, rollout in (("old", 1), ("new", 2)):
        lines = [record.text for record in records(logs) if record.rollout == rollout]
        assert lines == [f"{word} {number}" for number in range(100)]


def test_a_container_that_is_started_again_is_followed_again(
    keeper: ContainerLogs, runtime: FakeRuntime, logs: LogFiles
) -> None:
    container = start(runtime)
    keeper.begin(container)
    for number in range(20):
        runtime.say(container.name, f"life {number}")
        runtime.die(container.name)
        keeper.begin(runtime.start_again(container.name))
    runtime.die(container.name)
    keeper.finish(container.name)
    assert texts(logs) == [f"life {number}" for number in range(20)]


def test_the_next_worker_goes_on_where_the_last_one_was_killed(runtime: FakeRuntime, logs: LogFiles) -> None:
    container = start(runtime)
    printed = 0

    def print_some() -> None:
        nonlocal printed
        for _ in range(2000):
            runtime.say(container.name, f"line {printed}")
            printed += 1

    for _ in range(5):
        keeper = ContainerLogs(runtime, logs, SystemClock(), lambda container: [])
        keeper.begin_all()
        printing = threading.Thread(target=print_some)
        printing.start()
        time.sleep(0.02)
        keeper.close()  # in the middle: nothing more is written
        printing.join()
    runtime.die(container.name)
    last = ContainerLogs(runtime, logs, SystemClock(), lambda container: [])
    last.finish(container.name)
    assert texts(logs) == [f"line {number}" for number in range(10_000)]


def test_one_offs_and_release_tasks_are_left_to_those_who_watch_them(
    keeper: ContainerLogs, runtime: FakeRuntime, logs: LogFiles
) -> None:
    task = names.task_container_name(APP, "release", 5)
    container = runtime.start(ContainerSpec(task, "sha256:1", APP, "blog", "release", 1, 1, 0, job_id=5))
    runtime.say(task, "migrating")
    runtime.die(task)
    keeper.begin(container)
    keeper.finish(task)
    assert logs.files(APP) == []


def test_failing_reads_are_given_up_with_a_line_that_says_so(runtime: FakeRuntime, logs: LogFiles) -> None:
    container = start(runtime)
    keeper = ContainerLogs(runtime, logs, FakeClock(), lambda container: [])
    keeper.begin(container)
    runtime.say(container.name, "hello")
    wait_until(lambda: texts(logs) == ["hello"])
    keeper.finish(container.name, timeout=0.05)  # it still runs: the end never comes
    last = records(logs)[-1]
    assert (last.stream, last.process) == ("platform", "web.1")
    assert "could not be read" in last.text
