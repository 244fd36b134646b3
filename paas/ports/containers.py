"""What holds containers, networks and images?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network
from typing import Literal, Protocol

from paas.ports.common import IsCancelled
from paas.rules.secret import Secret

ContainerState = Literal["created", "running", "paused", "restarting", "exited", "removing", "dead"]


@dataclass(frozen=True)
class ContainerSpec:
    """One container to start. `command` None: the image's own ENTRYPOINT and CMD."""

    name: str
    image: str  # docker image id (sha256:...)
    app_id: str
    app_name: str
    process_type: str
    copy: int
    release: int
    rollout: int
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None  # () clears the image's
    environment: Mapping[str, Secret] = field(default_factory=dict)
    network: str = ""
    address: str | None = None  # None: Docker places it in the network's last /27
    job_id: int | None = None
    memory: int = 512_000_000
    pids: int = 512
    stop_timeout: float = 30.0
    tty: bool = False
    stdin: bool = False


@dataclass(frozen=True)
class Container:
    """What Docker says of one of our containers."""

    id: str
    name: str
    app_id: str
    app_name: str
    process_type: str
    copy: int
    release: int
    rollout: int
    job_id: int | None
    state: ContainerState
    exit_code: int | None
    oom_killed: bool
    address: str | None
    image: str
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class NetworkSpec:
    name: str
    app_id: str
    subnet: IPv4Network


@dataclass(frozen=True)
class ImageFacts:
    id: str
    tags: tuple[str, ...]
    size: int
    created_at: datetime
    exposed_ports: tuple[int, ...]  # TCP only
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    labels: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogLine:
    """One line of a container's output. `timestamp` is Docker's RFC 3339 text with nanoseconds."""

    stream: Literal["stdout", "stderr"]
    timestamp: str
    text: str
    ordinal: int = 0  # how many earlier lines of this stream carry the same timestamp

    @property
    def cursor(self) -> str:
        """Where to go on after this line, in its stream: text, no longer than 48 characters."""
        return f"{self.timestamp}#{self.ordinal}" if self.ordinal else self.timestamp


class LogStream(Iterator[LogLine], Protocol):
    """Lines as they come; `close` ends it and may be called from another thread."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class EngineFacts:
    version: str
    api_version: str
    live_restore: bool
    cgroup_version: int
    storage_driver: str
    root: str


class Terminal(Protocol):
    """The worker's end of an interactive session with a container or an exec in one."""

    def send(self, data: bytes) -> None: ...

    def send_eof(self) -> None: ...

    def resize(self, columns: int, rows: int) -> None: ...

    def frames(self) -> Iterator[tuple[Literal["stdout", "stderr"], bytes]]: ...

    def exit_code(self) -> int: ...

    def close(self) -> None:
        """Hang up. A one-off container is killed and removed; an exec's process is killed."""


class Runtime(Protocol):
    """The engine that holds containers, networks and images; sees only those of this installation (by label)."""

    def facts(self) -> EngineFacts: ...

    def containers(self, app_id: str | None = None) -> list[Container]:
        """All of ours, whatever their state. Without `app_id` the running ones have no `started_at`: it costs more."""

    def find(self, name: str) -> Container | None: ...

    def start(self, spec: ContainerSpec) -> Container:
        """Create unless there, start unless running. May run twice. Raises DeployError when it cannot start."""

    def create(self, spec: ContainerSpec) -> Container:
        """Create without starting (one-offs with a terminal are attached first)."""

    def start_again(self, name: str) -> Container:
        """Start a stopped container with the address it kept."""

    def stop(self, name: str, timeout: float) -> None:
        """SIGTERM, `timeout` seconds, SIGKILL; unpauses first. Nothing when it is gone."""

    def kill(self, name: str) -> None: ...

    def remove(self, name: str) -> None:
        """With its anonymous volumes. Nothing when it is gone."""

    def wait(self, name: str, timeout: float, is_cancelled: IsCancelled = lambda: False) -> int | None:
        """Exit code; None when it still runs after `timeout` seconds or the wish to cancel came."""

    def log_lines(
        self, name: str, since: str | Mapping[str, str] = "", *, follow: bool = False, tail: int | None = None
    ) -> LogStream:
        """Lines after the cursor `since` (exactly: the cursor's own line is not repeated), empty when it is gone.

        A mapping has a cursor for each stream ("stdout", "stderr"): across streams timestamps are not in order. With
        `follow` it ends when the container ends. `tail` counts lines before the cursor is looked at.
        """

    def deaths(self, is_over: Callable[[], bool]) -> Iterator[str]:
        """Names of our containers as they die, as Docker's event stream tells them; reconnects by itself."""

    def attach(self, name: str, *, tty: bool) -> Terminal:
        """Attach to a created container and start it: no first byte is lost."""

    def execute(self, name: str, command: Sequence[str], *, tty: bool) -> Terminal:
        """Run a command in a running container."""

    def networks(self) -> list[NetworkSpec]: ...

    def create_network(self, spec: NetworkSpec) -> None:
        """Unless there. `--ip-range` is the subnet's last /27, the bridge is named as the network.

        Raises ConflictError (code `subnet-taken`) when Docker says that the subnet overlaps.
        """

    def remove_network(self, name: str) -> None: ...

    def host_networks(self) -> list[IPv4Network]:
        """Subnets that the host routes and that any Docker network holds."""

    def image(self, reference: str) -> ImageFacts | None: ...

    def images(self, app_id: str | None = None) -> list[ImageFacts]:
        """Tagged images of this installation."""

    def remove_image(self, reference: str) -> bool:
        """False when a container still needs it."""

    def stats(self, name: str) -> Mapping[str, float]:
        """cpu_seconds, memory_bytes, network_in, network_out."""
