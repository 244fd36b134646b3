"""An engine in memory. Which container does what is told beforehand with `behave`.

Time is the clock that it is given: a FakeClock makes a `wait` of ten minutes return at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from queue import Empty, SimpleQueue
from threading import Condition
from typing import Literal

from paas.errors import ConflictError, DeployError, UnavailableError
from paas.ports import (
    Clock,
    Container,
    ContainerSpec,
    EngineFacts,
    IsCancelled,
    LogLine,
)
from tests.fakes.behaviour import Behaviour
from tests.fakes.clock import FakeClock
from tests.fakes.inventory import FakeInventory
from tests.fakes.logstream import FakeLogStream
from tests.fakes.terminal import FakeTerminal

__all__ = ["Behaviour", "FakeRuntime"]


@dataclass
class _Box:
    """A container with what Docker would not tell."""

    spec: ContainerSpec
    shown: Container
    behaviour: Behaviour
    lines: list[LogLine] = field(default_factory=list)
    dies_at: float | None = None


class FakeRuntime(FakeInventory):
    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock or FakeClock()
        self.is_down = False
        self.stubborn: set[str] = set()  # containers that Docker will not remove
        self.calls: list[str] = []  # "start paas-...", in order
        self._boxes: dict[str, _Box] = {}
        self._behaviours: list[tuple[str, Behaviour]] = []
        self._numbers = count(1)
        self._listeners: list[SimpleQueue[str]] = []
        self._changed = Condition()

    # --- what tests tell it -------------------------------------------------------------------------------------------
    def behave(self, what: str, behaviour: Behaviour) -> None:
        """For containers made from now on with `what` in type, image, name or command; the latest word counts."""
        self._behaviours.append((what, behaviour))

    def say(self, name: str, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
        """Let a container print a line."""
        with self._changed:
            self._print(self._boxes[name], text, stream)
            self._changed.notify_all()

    def die(self, name: str, exit_code: int = 1, *, oom_killed: bool = False) -> None:
        """Let a running container end by itself."""
        with self._changed:
            self._end(self._boxes[name], exit_code, oom_killed)

    def pause(self, name: str) -> None:
        self._boxes[name].shown = replace(self._boxes[name].shown, state="paused")

    def sever(self, name: str) -> None:
        """Somebody takes a container off its network."""
        self._boxes[name].shown = replace(self._boxes[name].shown, address=None)

    def lose(self, name: str) -> None:
        """A container vanishes behind the platform's back."""
        with self._changed:
            if name in self._boxes:
                self._end(self._boxes.pop(name), 137, False)

    def spec_of(self, name: str) -> ContainerSpec:
        return self._boxes[name].spec

    def behaviour_at(self, address: str) -> Behaviour | None:
        """Of the running (or paused) container with this address."""
        self._settle()
        for box in self._boxes.values():
            if box.shown.address == address and box.shown.state in ("running", "paused"):
                return box.behaviour
        return None

    # --- the port -----------------------------------------------------------------------------------------------------
    def facts(self) -> EngineFacts:
        self._settle()
        return EngineFacts("20.10.24", "1.41", True, 1, "overlay2", "/var/lib/docker")

    def containers(self, app_id: str | None = None) -> list[Container]:
        self._settle()
        return [box.shown for box in list(self._boxes.values()) if app_id in (None, box.shown.app_id)]

    def find(self, name: str) -> Container | None:
        self._settle()
        return self._boxes[name].shown if name in self._boxes else None

    def start(self, spec: ContainerSpec) -> Container:
        self.create(spec)
        self.calls.append(f"start {spec.name}")
        return self._run(spec.name)

    def create(self, spec: ContainerSpec) -> Container:
        self._settle()
        with self._changed:
            if spec.name in self._boxes:
                return self._boxes[spec.name].shown
            if spec.image not in self._images and not any(spec.image in facts.tags for facts in self._images.values()):
                raise DeployError(f"Image {spec.image} is gone", "ps:rebuild builds it again", code="image-gone")
            if spec.network and spec.network not in self._networks:
                raise DeployError(f"Network {spec.network} is gone", code="start-failed")
            box = _Box(spec, self._container(spec), self._behaviour(spec))
            self._boxes[spec.name] = box
            return box.shown

    def start_again(self, name: str) -> Container:
        self._settle()
        if name not in self._boxes:
            raise DeployError(f"Container {name} is gone", "ps:restart makes it anew", code="container-gone")
        self.calls.append(f"start_again {name}")
        return self._run(name)

    def stop(self, name: str, timeout: float) -> None:
        self._settle()
        self.calls.append(f"stop {name}")
        with self._changed:
            box = self._boxes.get(name)
            if box and box.shown.state in ("running", "paused"):
                if box.behaviour.ignores_sigterm:
                    self.clock.sleep(timeout)
                self._end(box, 137 if box.behaviour.ignores_sigterm else 143, False)

    def kill(self, name: str) -> None:
        self._settle()
        self.calls.append(f"kill {name}")
        with self._changed:
            if name in self._boxes and self._boxes[name].shown.state in ("running", "paused"):
                self._end(self._boxes[name], 137, False)

    def remove(self, name: str) -> None:
        self._settle()
        self.calls.append(f"remove {name}")
        if name in self.stubborn:
            raise UnavailableError(f"Docker cannot remove {name}: device or resource busy")
        with self._changed:
            box = self._boxes.get(name)
            if box and box.shown.state in ("running", "paused"):
                self._end(box, 137, False)
            self._boxes.pop(name, None)
            self._changed.notify_all()

    def wait(self, name: str, timeout: float, is_cancelled: IsCancelled = lambda: False) -> int | None:
        until = self.clock.monotonic() + timeout
        while True:
            found = self.find(name)
            if found is None or found.state == "exited":
                return None if found is None else found.exit_code
            if is_cancelled() or self.clock.monotonic() >= until:
                return None
            self.clock.sleep(0.1)

    def log_lines(
        self, name: str, since: str | Mapping[str, str] = "", *, follow: bool = False, tail: int | None = None
    ) -> FakeLogStream:
        self._settle()
        return FakeLogStream(self._boxes.get(name), self._changed, since, follow, tail)

    def deaths(self, is_over: Callable[[], bool]) -> Iterator[str]:
        heard: SimpleQueue[str] = SimpleQueue()
        self._listeners.append(heard)
        try:
            while not is_over():
                try:
                    yield heard.get(timeout=0.02)
                except Empty:
                    continue
        finally:
            self._listeners.remove(heard)

    def attach(self, name: str, *, tty: bool) -> FakeTerminal:
        box = self._boxes[name]
        behaviour = box.behaviour
        box.behaviour = replace(behaviour, exit_code=None, output=(), errors=())  # the terminal prints and ends it
        self._run(name)

        def over(code: int) -> None:
            with self._changed:
                self._end(box, code, False)

        return FakeTerminal(behaviour, over, lambda: self.remove(name))

    def execute(self, name: str, command: Sequence[str], *, tty: bool) -> FakeTerminal:
        found = self.find(name)
        if found is None or found.state != "running":
            raise ConflictError(f"{name} does not run", "ps:report shows what runs", code="not-running")
        return FakeTerminal(self._behaviour_for(" ".join(command)), lambda code: None, lambda: None)

    def stats(self, name: str) -> Mapping[str, float]:
        self._settle()
        return {"cpu_seconds": 1.0, "memory_bytes": 4_400_000.0, "network_in": 0.0, "network_out": 0.0}

    # --- inside -------------------------------------------------------------------------------------------------------
    def _images_in_use(self) -> list[str]:
        return [box.shown.image for box in self._boxes.values()]

    def _settle(self) -> None:
        """Let end what should have ended by now; refuse all when the engine is down."""
        if self.is_down:
            raise UnavailableError("Docker does not answer", "systemctl start docker", code="docker-down")
        with self._changed:
            for box in self._boxes.values():
                if box.dies_at is not None and box.dies_at <= self.clock.monotonic():
                    self._end(box, box.behaviour.exit_code or 0, box.behaviour.oom_killed)

    def _behaviour(self, spec: ContainerSpec) -> Behaviour:
        return self._behaviour_for(" ".join((spec.name, spec.image, spec.process_type, *(spec.command or ()))))

    def _behaviour_for(self, words: str) -> Behaviour:
        return next((then for what, then in reversed(self._behaviours) if what in words), Behaviour())

    def _container(self, spec: ContainerSpec) -> Container:
        return Container(
            id=f"{next(self._numbers):064x}",
            name=spec.name,
            app_id=spec.app_id,
            app_name=spec.app_name,
            process_type=spec.process_type,
            copy=spec.copy,
            release=spec.release,
            rollout=spec.rollout,
            job_id=spec.job_id,
            state="created",
            exit_code=None,
            oom_killed=False,
            address=spec.address or self._free_address(spec.network),
            image=spec.image,
            started_at=None,
            finished_at=None,
        )

    def _free_address(self, network: str) -> str | None:
        if network not in self._networks:
            return None
        taken = {box.shown.address for box in self._boxes.values()}
        last = list(self._networks[network].subnet.subnets(new_prefix=27))[-1]
        return next(str(address) for address in last.hosts() if str(address) not in taken)

    def _run(self, name: str) -> Container:
        with self._changed:
            box = self._boxes[name]
            if box.shown.state == "running":
                return box.shown
            if box.behaviour.refuses_to_start:
                raise DeployError(f"{name} cannot start: {box.behaviour.refuses_to_start}", code="start-failed")
            box.shown = replace(
                box.shown, state="running", exit_code=None, started_at=self.clock.now(), finished_at=None
            )
            for text in box.behaviour.output:
                self._print(box, text, "stdout")
            for text in box.behaviour.errors:
                self._print(box, text, "stderr")
            if box.behaviour.exit_code is not None:
                box.dies_at = self.clock.monotonic() + box.behaviour.exits_after
            shown = box.shown
            self._changed.notify_all()
        self._settle()
        return shown

    def _print(self, box: _Box, text: str, stream: Literal["stdout", "stderr"]) -> None:
        stamp = f"{self.clock.now():%Y-%m-%dT%H:%M:%S}.{next(self._numbers):09d}Z"
        box.lines.append(LogLine(stream, stamp, text))

    def _end(self, box: _Box, exit_code: int, oom_killed: bool) -> None:
        if box.shown.state not in ("running", "paused"):
            return
        box.dies_at = None
        box.shown = replace(
            box.shown, state="exited", exit_code=exit_code, oom_killed=oom_killed, finished_at=self.clock.now()
        )
        for heard in self._listeners:
            heard.put(box.shown.name)
        self._changed.notify_all()
