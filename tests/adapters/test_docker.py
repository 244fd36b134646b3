"""What only the real engine can show: hardening, exact logs, terminals, other installations, an engine that is down."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from threading import Event, Thread

import docker
import pytest

from paas.adapters.docker import DockerRuntime
from paas.errors import DeployError, UnavailableError
from paas.ports import Container, ContainerSpec, NetworkSpec
from paas.rules import names
from paas.rules.placement import choose_address
from paas.rules.secret import Secret
from tests.engine import HOST, create_network, engine_of_tests, new_app_id
from tests.images import python_image
from tests.waiting import PATIENCE, wait_until


@dataclass
class Room:
    runtime: DockerRuntime
    network: NetworkSpec
    installation: str

    def __post_init__(self) -> None:
        self._rollouts = count(1)

    def spec(self, *command: str) -> ContainerSpec:
        """A one-off-like container without a network: it starts faster."""
        rollout = next(self._rollouts)
        app_id = self.network.app_id
        return ContainerSpec(
            name=names.container_name(app_id, "web", 1, rollout),
            image=python_image(),
            app_id=app_id,
            app_name="blog",
            process_type="web",
            copy=1,
            release=1,
            rollout=rollout,
            command=command,
        )

    def output(self, spec: ContainerSpec) -> list[str]:
        self.runtime.start(spec)
        assert self.runtime.wait(spec.name, 20) is not None
        return [line.text for line in self.runtime.log_lines(spec.name)]


@pytest.fixture
def room() -> Iterator[Room]:
    with engine_of_tests("docker") as runtime:
        yield Room(runtime, create_network(runtime, new_app_id()), f"t-docker-{os.getpid()}")


# --- hardening --------------------------------------------------------------------------------------------------------
def test_a_container_keeps_few_capabilities_and_gains_none(room: Room) -> None:
    status = dict(
        line.split(":\t")
        for line in room.output(room.spec("cat", "/proc/self/status"))
        if line.startswith(("Cap", "NoNew"))
    )
    kept = sum(1 << number for number in (0, 1, 3, 5, 6, 7, 10))  # capabilities(7), linux/capability.h
    assert int(status["CapBnd"], 16) == kept
    assert status["NoNewPrivs"] == "1"


def test_a_container_is_limited_and_never_restarted_by_docker(room: Room) -> None:
    spec = replace(room.spec("sleep", "100"), memory=64_000_000, pids=50)
    room.runtime.start(spec)
    told = docker.from_env().api.inspect_container(spec.name)["HostConfig"]
    assert (told["Memory"], told["MemorySwap"], told["PidsLimit"]) == (64_000_000, 64_000_000, 50)
    assert told["RestartPolicy"]["Name"] == "no"
    assert told["LogConfig"]["Type"] == "json-file"
    assert set(told["LogConfig"]["Config"]) == {"max-size", "max-file"}
    assert told["Init"] is True
    assert told["Privileged"] is False


def test_a_container_that_takes_too_much_memory_is_killed(room: Room) -> None:
    """Docker's OOMKilled is no promise: under cgroup v1 it is false when the exit is told before the event (seen)."""
    spec = replace(room.spec("python3", "-c", "x = bytearray(200_000_000)"), memory=64_000_000)
    room.runtime.start(spec)
    assert room.runtime.wait(spec.name, 20) == 137


def test_values_of_variables_arrive_exactly(room: Room) -> None:
    value = 'it\'s "quoted" $HOME `id` \\ ünï\nsecond line'
    spec = replace(
        room.spec("python3", "-c", "import os; print(ascii(os.environ['A']))"), environment={"A": Secret(value)}
    )
    assert room.output(spec) == [ascii(value)]


def test_the_entrypoint_of_an_image_can_be_kept_replaced_and_cleared(room: Room) -> None:
    tag = f"{names.image_repository(room.network.app_id)}:entry"
    _import_image(tag, room, ['ENTRYPOINT ["echo", "entry"]', 'CMD ["own"]'])
    try:
        base = replace(room.spec(), image=tag, command=None)
        assert room.output(base) == ["entry own"]
        assert room.output(replace(room.spec("given"), image=tag)) == ["entry given"]
        assert room.output(replace(room.spec("echo", "bare"), image=tag, entrypoint=())) == ["bare"]
        assert room.output(replace(room.spec("x"), image=tag, entrypoint=("echo", "mine"))) == ["mine x"]
    finally:
        for container in room.runtime.containers():
            room.runtime.remove(container.name)
        assert room.runtime.remove_image(tag)


def test_a_program_that_is_not_there_ends_with_127_and_says_so(room: Room) -> None:
    spec = room.spec("no-such-program")
    assert "no-such-program" in room.output(spec)[0]
    found = room.runtime.find(spec.name)
    assert found is not None
    assert found.exit_code == 127


def test_an_address_in_use_is_refused_and_starts_nothing(room: Room) -> None:
    address = choose_address(room.network.subnet, set())
    first = replace(room.spec("sleep", "100"), network=room.network.name, address=address)
    room.runtime.start(first)
    with pytest.raises(DeployError, match="in use"):
        room.runtime.start(replace(room.spec("sleep", "100"), network=room.network.name, address=address))


def test_a_paused_container_is_stopped_at_once(room: Room) -> None:
    spec = room.spec("sleep", "100")
    room.runtime.start(spec)
    docker.from_env().api.pause(spec.name)
    began = time.monotonic()
    room.runtime.stop(spec.name, 60)
    assert time.monotonic() - began < 30
    assert _state(room, spec) == "exited"


# --- whose is it ------------------------------------------------------------------------------------------------------
def test_another_installation_sees_and_touches_nothing_of_ours(room: Room) -> None:
    spec = room.spec("sleep", "100")
    room.runtime.start(spec)
    stranger = DockerRuntime(HOST, "t-stranger-1")
    assert stranger.containers() == []
    assert stranger.networks() == []
    assert stranger.find(spec.name) is None
    assert list(stranger.log_lines(spec.name)) == []
    stranger.kill(spec.name)
    stranger.stop(spec.name, 1)
    stranger.remove(spec.name)
    stranger.remove_network(room.network.name)
    assert _state(room, spec) == "running"
    assert room.runtime.networks() == [room.network]


def test_images_are_ours_by_label_and_tell_their_ports(room: Room) -> None:
    tag = names.image_tag(room.network.app_id, "0" * 32)
    _import_image(tag, room, ["EXPOSE 8080/tcp", "EXPOSE 53/udp", "EXPOSE 3000", "USER app", "ENV A=b=c"])
    try:
        (facts,) = room.runtime.images(room.network.app_id)
        assert facts.tags == (tag,)
        assert facts.exposed_ports == (3000, 8080)
        assert (facts.user, facts.environment["A"]) == ("app", "b=c")
        assert room.runtime.images() == [facts]
        assert DockerRuntime(HOST, "t-stranger-1").images() == []
    finally:
        assert room.runtime.remove_image(tag)
    assert room.runtime.image(tag) is None


def test_networks_are_bridges_named_as_themselves(room: Room) -> None:
    told = docker.from_env().api.inspect_network(room.network.name)
    assert told["Options"]["com.docker.network.bridge.name"] == room.network.name
    assert Path(f"/sys/class/net/{room.network.name}").exists()
    assert told["IPAM"]["Config"][0]["Gateway"] == str(room.network.subnet[1])


# --- logs -------------------------------------------------------------------------------------------------------------
def test_lines_longer_than_dockers_pieces_come_whole(room: Room) -> None:
    spec = room.spec("perl", "-e", "print 'x' x 100_000, qq(\\n), 'y' x 40_000")
    room.runtime.start(spec)
    assert [len(line.text) for line in room.runtime.log_lines(spec.name, follow=True)] == [100_000, 40_000]


def test_no_line_is_lost_or_repeated_while_the_log_rotates(room: Room) -> None:
    script = """
    $| = 1; for (1..90_000) { print "$_ ", "x" x 200, "\\n"; print STDERR "$_\\n" if $_ % 100 == 0;
    select(undef, undef, undef, 0.005) if $_ % 1000 == 0 }"""
    spec = room.spec("perl", "-e", script)
    room.runtime.start(spec)
    lines = [(line.stream, int(line.text.split()[0])) for line in room.runtime.log_lines(spec.name, follow=True)]
    told = docker.from_env().api.inspect_container(spec.name)
    assert Path(told["LogPath"] + ".1").exists(), "the log did not rotate: the test proves nothing"
    assert [number for stream, number in lines if stream == "stdout"] == list(range(1, 90_001))
    assert [number for stream, number in lines if stream == "stderr"] == list(range(100, 90_001, 100))


def test_a_terminals_log_has_its_lines(room: Room) -> None:
    spec = replace(room.spec("sh", "-c", "echo one; echo two"), tty=True)
    assert room.output(spec) == ["one", "two"]


# --- terminals --------------------------------------------------------------------------------------------------------
def test_cat_without_a_terminal_ends_when_stdin_ends(room: Room) -> None:
    spec = _running(room)
    terminal = room.runtime.execute(spec.name, ("cat",), tty=False)
    sent = os.urandom(300_000)

    def type_in() -> None:
        terminal.send(sent)
        terminal.send_eof()

    Thread(target=type_in).start()
    assert b"".join(data for _, data in terminal.frames()) == sent
    assert terminal.exit_code() == 0


def test_a_terminal_has_a_size_and_an_end_of_input(room: Room) -> None:
    spec = _running(room)
    terminal = room.runtime.execute(spec.name, ("sh", "-c", "read x; stty size; cat; exit 9"), tty=True)
    terminal.resize(133, 42)
    terminal.send(b"go\n")
    terminal.send_eof()
    shown = b"".join(data for _, data in terminal.frames())
    assert b"42 133" in shown
    assert terminal.exit_code() == 9


def test_an_attached_terminal_shows_everything_from_the_first_byte(room: Room) -> None:
    spec = replace(room.spec("sh", "-c", "echo first; tty -s && echo terminal; exit 6"), tty=True, stdin=True)
    room.runtime.create(spec)
    terminal = room.runtime.attach(spec.name, tty=True)
    assert b"".join(data for _, data in terminal.frames()) == b"first\r\nterminal\r\n"
    assert terminal.exit_code() == 6


def test_hanging_up_kills_the_executed_process_and_its_children(room: Room) -> None:
    spec = _running(room)
    terminal = room.runtime.execute(spec.name, ("sh", "-c", "echo on; sleep 7777 & sleep 7777"), tty=False)
    assert next(terminal.frames()) == ("stdout", b"on\n")
    terminal.close()
    assert terminal.exit_code() == 137
    wait_until(lambda: "7777" not in _processes(spec))  # the kernel takes its time
    assert _state(room, spec) == "running"


def test_attaching_to_what_cannot_start_is_refused(room: Room) -> None:
    spec = replace(room.spec("true"), network="paas-nothing1", stdin=True)
    room.runtime.create(spec)
    with pytest.raises(DeployError):
        room.runtime.attach(spec.name, tty=False)


# --- the engine -------------------------------------------------------------------------------------------------------
def test_an_engine_that_is_down_is_named_with_what_to_do(tmp_path: Path) -> None:
    runtime = DockerRuntime(f"unix://{tmp_path}/nothing.sock", "t-down-1")
    for ask in (runtime.containers, runtime.facts, runtime.networks, lambda: runtime.wait("x", 1)):
        with pytest.raises(UnavailableError) as refusal:
            ask()
        assert refusal.value.code == "docker-down"
        assert "docker" in refusal.value.hint


def test_an_engine_that_comes_back_is_found_again(tmp_path: Path, room: Room) -> None:
    link = tmp_path / "docker.sock"
    runtime = DockerRuntime(f"unix://{link}", room.installation)
    with pytest.raises(UnavailableError):
        runtime.containers()
    link.symlink_to("/var/run/docker.sock")
    assert runtime.containers() == []


def test_deaths_are_heard_of_again_after_the_engine_was_away(tmp_path: Path, room: Room) -> None:
    link = tmp_path / "docker.sock"
    runtime = DockerRuntime(f"unix://{link}", room.installation)
    relay = _Relay(link)
    heard: list[str] = []
    over = Event()

    def listen() -> None:
        for name in runtime.deaths(over.is_set):
            heard.append(name)

    listener = Thread(target=listen, daemon=True)
    listener.start()
    while not heard:  # the stream opens at some moment: what dies before is not heard of
        room.output(room.spec("true"))
    relay.cut()
    second = room.spec("true")
    room.output(second)  # dies while nobody listens
    wait_until(lambda: heard[-1] == second.name)
    over.set()
    listener.join(PATIENCE)
    assert len(heard) == len(set(heard))


# --- inside -----------------------------------------------------------------------------------------------------------
class _Relay:
    """A socket in front of Docker's that can be cut."""

    def __init__(self, path: Path) -> None:
        self.connections: list[socket.socket] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            near, _ = self._server.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect("/var/run/docker.sock")
            self.connections += [near, far]
            for source, target in ((near, far), (far, near)):
                Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _running(room: Room) -> ContainerSpec:
    spec = room.spec("sleep", "1000")
    room.runtime.start(spec)
    return spec


def _state(room: Room, spec: ContainerSpec) -> str:
    found: Container | None = room.runtime.find(spec.name)
    assert found is not None
    return found.state


def _processes(spec: ContainerSpec) -> str:
    return subprocess.run(["docker", "top", spec.name], capture_output=True, text=True, check=True).stdout


def _import_image(tag: str, room: Room, changes: list[str]) -> None:
    """The test image under another tag, with labels and what `changes` say."""
    labels = f'LABEL {names.LABEL_INSTALLATION}="{room.installation}" {names.LABEL_APP_ID}="{room.network.app_id}"'
    client = docker.from_env().api
    base = client.create_container(python_image(), ["true"])
    try:
        repository, _, name = tag.partition(":")
        client.commit(base, repository=repository, tag=name, changes=[labels, *changes])
    finally:
        client.remove_container(base)
