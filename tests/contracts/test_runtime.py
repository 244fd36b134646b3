"""What every Runtime promises: asked of the fake and of Docker alike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from itertools import count
from threading import Event, Thread, Timer

import pytest

from paas.errors import ConflictError, DeployError
from paas.ports import ContainerSpec, ImageFacts, NetworkSpec, Runtime
from paas.rules import names
from paas.rules.placement import choose_address, dynamic_range
from tests.engine import create_network, engine_of_tests, new_app_id
from tests.fakes.runtime import Behaviour, FakeRuntime
from tests.images import python_image

RUNS = Behaviour()


@dataclass
class Bench:
    """A runtime with one app's network and an image, and a way to have a container that behaves so and so."""

    runtime: Runtime
    app_id: str
    network: NetworkSpec
    image: str

    def __post_init__(self) -> None:
        self._rollouts = count(1)

    def spec(self, behaviour: Behaviour = RUNS) -> ContainerSpec:
        rollout = next(self._rollouts)
        name = names.container_name(self.app_id, "web", 1, rollout)
        if isinstance(self.runtime, FakeRuntime):
            self.runtime.behave(name, behaviour)
        return ContainerSpec(
            name=name,
            image=self.image,
            app_id=self.app_id,
            app_name="blog",
            process_type="web",
            copy=1,
            release=7,
            rollout=rollout,
            command=("sh", "-c", script(behaviour)),
            network=self.network.name,
        )


def script(behaviour: Behaviour) -> str:
    """The behaviour as a shell script, for the real thing."""
    lines = ["trap '' TERM" if behaviour.ignores_sigterm else ""]
    lines += [f"echo {text}" for text in behaviour.output]
    lines += [f"echo {text} >&2" for text in behaviour.errors]
    lines += ["cat"] if behaviour.echoes else []
    if behaviour.exit_code is not None or behaviour.echoes:
        lines.append(f"exit {behaviour.exit_code or 0}")
    else:
        lines.append("while :; do sleep 1; done" if behaviour.ignores_sigterm else "exec sleep 1000")
    return "\n".join(line for line in lines if line)


@pytest.fixture(params=["fake", "docker"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    app_id = new_app_id()
    if request.param == "fake":
        fake = FakeRuntime()
        fake.add_image(ImageFacts("sha256:1", ("test:latest",), 1, datetime.now(UTC), (), (), ("sh",), "", {}))
        network = NetworkSpec(names.network_name(app_id), app_id, IPv4Network("10.254.0.0/25"))
        fake.create_network(network)
        yield Bench(fake, app_id, network, "test:latest")
        return
    with engine_of_tests("contract") as runtime:
        yield Bench(runtime, app_id, create_network(runtime, app_id), python_image())


# --- containers -------------------------------------------------------------------------------------------------------
def test_a_started_container_runs_and_says_what_it_is(bench: Bench) -> None:
    spec = replace(bench.spec(), job_id=12)
    started = bench.runtime.start(spec)
    assert (started.state, started.exit_code, started.name) == ("running", None, spec.name)
    assert (started.app_id, started.app_name, started.process_type) == (bench.app_id, "blog", "web")
    assert (started.copy, started.release, started.rollout, started.job_id) == (1, 7, 1, 12)
    assert started.started_at is not None
    assert bench.runtime.find(spec.name) == started
    assert bench.runtime.containers(bench.app_id) == [started]
    assert [found.id for found in bench.runtime.containers()] == [started.id]
    assert bench.runtime.containers("another1") == []


def test_starting_twice_starts_once(bench: Bench) -> None:
    spec = bench.spec()
    assert bench.runtime.start(spec) == bench.runtime.start(spec)


def test_starting_from_many_threads_starts_once(bench: Bench) -> None:
    spec = bench.spec()
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(bench.runtime.start, [spec] * 4))
    assert len({container.id for container in started}) == 1
    assert bench.runtime.containers(bench.app_id)[0].state == "running"


def test_a_created_container_waits_to_be_started(bench: Bench) -> None:
    spec = bench.spec()
    assert bench.runtime.create(spec).state == "created"
    assert bench.runtime.start(spec).state == "running"


def test_a_container_gets_the_address_that_it_was_given(bench: Bench) -> None:
    address = choose_address(bench.network.subnet, set())
    assert bench.runtime.start(replace(bench.spec(), address=address)).address == address


def test_a_container_without_an_address_is_placed_in_the_last_27(bench: Bench) -> None:
    address = bench.runtime.start(bench.spec()).address
    assert address is not None
    assert IPv4Address(address) in dynamic_range(bench.network.subnet)


def test_a_stopped_container_keeps_its_address_and_starts_again_with_it(bench: Bench) -> None:
    spec = replace(bench.spec(), address=choose_address(bench.network.subnet, set()))
    bench.runtime.start(spec)
    bench.runtime.stop(spec.name, 10)
    stopped = bench.runtime.find(spec.name)
    assert stopped is not None
    assert (stopped.state, stopped.exit_code, stopped.address) == ("exited", 143, spec.address)
    assert stopped.finished_at is not None
    again = bench.runtime.start_again(spec.name)
    assert (again.id, again.state, again.address) == (stopped.id, "running", spec.address)


def test_who_does_not_hear_sigterm_is_killed(bench: Bench) -> None:
    spec = bench.spec(Behaviour(ignores_sigterm=True, output=("ready",)))
    bench.runtime.start(spec)
    next(bench.runtime.log_lines(spec.name, follow=True))
    bench.runtime.stop(spec.name, 1)
    stopped = bench.runtime.find(spec.name)
    assert stopped is not None
    assert stopped.exit_code == 137


def test_a_killed_and_a_removed_container_are_gone(bench: Bench) -> None:
    spec = bench.spec()
    bench.runtime.start(spec)
    bench.runtime.kill(spec.name)
    killed = bench.runtime.find(spec.name)
    assert killed is not None
    assert killed.exit_code == 137
    bench.runtime.remove(spec.name)
    assert bench.runtime.find(spec.name) is None


def test_a_running_container_can_be_removed(bench: Bench) -> None:
    spec = bench.spec()
    bench.runtime.start(spec)
    bench.runtime.remove(spec.name)
    assert bench.runtime.containers() == []


def test_what_is_gone_can_be_stopped_killed_removed_and_awaited(bench: Bench) -> None:
    bench.runtime.stop("paas-nothing1-web-1-r1", 1)
    bench.runtime.kill("paas-nothing1-web-1-r1")
    bench.runtime.remove("paas-nothing1-web-1-r1")
    assert bench.runtime.wait("paas-nothing1-web-1-r1", 1) is None
    assert list(bench.runtime.log_lines("paas-nothing1-web-1-r1", follow=True)) == []


def test_starting_again_what_is_gone_is_refused(bench: Bench) -> None:
    with pytest.raises(DeployError) as refusal:
        bench.runtime.start_again("paas-nothing1-web-1-r1")
    assert refusal.value.code == "container-gone"


def test_a_missing_image_is_named(bench: Bench) -> None:
    with pytest.raises(DeployError) as refusal:
        bench.runtime.start(replace(bench.spec(), image="sha256:" + "0" * 64))
    assert refusal.value.code == "image-gone"


def test_waiting_gives_the_exit_code(bench: Bench) -> None:
    spec = bench.spec(Behaviour(exit_code=3))
    bench.runtime.start(spec)
    assert bench.runtime.wait(spec.name, 10) == 3


def test_waiting_ends_with_the_time_or_with_the_wish_to_cancel(bench: Bench) -> None:
    spec = bench.spec()
    bench.runtime.start(spec)
    assert bench.runtime.wait(spec.name, 0.2) is None
    assert bench.runtime.wait(spec.name, 1000, lambda: True) is None


# --- logs -------------------------------------------------------------------------------------------------------------
def test_logs_are_read_per_stream_in_order_and_go_on_after_a_cursor(bench: Bench) -> None:
    spec = bench.spec(Behaviour(exit_code=0, output=("one", "two", "three"), errors=("oops", "again")))
    bench.runtime.start(spec)
    bench.runtime.wait(spec.name, 10)
    lines = list(bench.runtime.log_lines(spec.name))
    assert [line.text for line in lines if line.stream == "stdout"] == ["one", "two", "three"]
    assert [line.text for line in lines if line.stream == "stderr"] == ["oops", "again"]
    at = {line.text: line.cursor for line in lines}
    rest = bench.runtime.log_lines(spec.name, {"stdout": at["two"], "stderr": at["oops"]})
    assert sorted(line.text for line in rest) == ["again", "three"]
    assert list(bench.runtime.log_lines(spec.name, max(at.values()))) == []


def test_the_tail_of_a_log_is_its_last_lines(bench: Bench) -> None:
    spec = bench.spec(Behaviour(exit_code=0, output=("one", "two", "three")))
    bench.runtime.start(spec)
    bench.runtime.wait(spec.name, 10)
    assert [line.text for line in bench.runtime.log_lines(spec.name, tail=2)] == ["two", "three"]


def test_following_a_log_ends_with_the_container(bench: Bench) -> None:
    spec = bench.spec(Behaviour(output=("one", "two")))
    bench.runtime.start(spec)
    lines = bench.runtime.log_lines(spec.name, follow=True)
    assert next(lines).text == "one"
    bench.runtime.stop(spec.name, 10)
    assert [line.text for line in lines] == ["two"]


def test_following_a_silent_log_can_be_ended_from_another_thread(bench: Bench) -> None:
    spec = bench.spec()
    bench.runtime.start(spec)
    lines = bench.runtime.log_lines(spec.name, follow=True)
    Timer(0.2, lines.close).start()
    assert list(lines) == []


def test_deaths_are_heard_of_until_it_is_over(bench: Bench) -> None:
    over, heard = Event(), []

    def listen() -> None:
        for name in bench.runtime.deaths(over.is_set):
            heard.append(name)
            over.set()

    listener = Thread(target=listen)
    listener.start()
    while not over.is_set():  # the stream opens at some moment: what dies before is not heard of
        spec = bench.spec(Behaviour(exit_code=1))
        bench.runtime.start(spec)
        bench.runtime.wait(spec.name, 10)
        over.wait(0.1)
    listener.join(60)
    assert not listener.is_alive()
    assert names.parse_container_name(heard[0]) is not None


# --- terminals --------------------------------------------------------------------------------------------------------
def test_an_attached_container_hears_stdin_until_its_end_and_tells_its_exit_code(bench: Bench) -> None:
    spec = replace(bench.spec(Behaviour(output=("hello",), echoes=True, exit_code=5)), stdin=True)
    bench.runtime.create(spec)
    terminal = bench.runtime.attach(spec.name, tty=False)
    terminal.send(b"to and fro")
    terminal.send_eof()
    assert b"".join(data for _, data in terminal.frames()) == b"hello\nto and fro"
    assert terminal.exit_code() == 5


def test_hanging_up_on_a_one_off_removes_it(bench: Bench) -> None:
    spec = replace(bench.spec(Behaviour(echoes=True)), stdin=True)
    bench.runtime.create(spec)
    bench.runtime.attach(spec.name, tty=False).close()
    assert bench.runtime.find(spec.name) is None


def test_a_command_runs_in_a_running_container(bench: Bench) -> None:
    spec = bench.spec()
    bench.runtime.start(spec)
    behaviour = Behaviour(output=("out",), errors=("err",), exit_code=4)
    if isinstance(bench.runtime, FakeRuntime):
        bench.runtime.behave("exit 4", behaviour)
    terminal = bench.runtime.execute(spec.name, ("sh", "-c", script(behaviour)), tty=False)
    terminal.resize(80, 24)
    assert sorted(terminal.frames()) == [("stderr", b"err\n"), ("stdout", b"out\n")]
    assert terminal.exit_code() == 4


def test_no_command_runs_where_nothing_runs(bench: Bench) -> None:
    spec = bench.spec()
    bench.runtime.create(spec)
    for name in (spec.name, "paas-nothing1-web-1-r1"):
        with pytest.raises(ConflictError) as refusal:
            bench.runtime.execute(name, ("true",), tty=False)
        assert refusal.value.code == "not-running"


# --- networks and images ----------------------------------------------------------------------------------------------
def test_a_network_is_made_once_and_can_be_removed(bench: Bench) -> None:
    bench.runtime.create_network(bench.network)
    assert bench.runtime.networks() == [bench.network]
    assert bench.network.subnet in bench.runtime.host_networks()
    bench.runtime.remove_network(bench.network.name)
    bench.runtime.remove_network(bench.network.name)
    assert bench.runtime.networks() == []


def test_a_subnet_that_overlaps_is_refused_by_name(bench: Bench) -> None:
    wider = NetworkSpec("paas-overlaps", "overlaps", bench.network.subnet.supernet(new_prefix=24))
    for spec in (replace(wider, subnet=bench.network.subnet), wider):
        with pytest.raises(ConflictError) as refusal:
            bench.runtime.create_network(spec)
        assert refusal.value.code == "subnet-taken"
    assert bench.runtime.networks() == [bench.network]


def test_a_network_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(DeployError) as refusal:
        bench.runtime.start(replace(bench.spec(), network="paas-nothing1"))
    assert refusal.value.code == "start-failed"


def test_images_are_found_by_tag_and_by_id(bench: Bench) -> None:
    facts = bench.runtime.image(bench.image)
    assert facts is not None
    assert bench.runtime.image(facts.id) == facts
    assert bench.runtime.image("paas-nothing:latest") is None
    assert bench.runtime.remove_image("paas-nothing:latest") is True


def test_an_image_that_a_container_needs_stays(bench: Bench) -> None:
    bench.runtime.start(bench.spec())
    assert bench.runtime.remove_image(bench.image) is False
    assert bench.runtime.image(bench.image) is not None


def test_stats_count_what_is_used(bench: Bench) -> None:
    spec = bench.spec()
    bench.runtime.start(spec)
    used = bench.runtime.stats(spec.name)
    assert set(used) == {"cpu_seconds", "memory_bytes", "network_in", "network_out"}
    assert used["memory_bytes"] > 0


def test_the_engine_tells_about_itself(bench: Bench) -> None:
    facts = bench.runtime.facts()
    assert facts.version
    assert facts.cgroup_version in (1, 2)
