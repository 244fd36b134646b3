"""What does each adapter promise? Protocols, and the frozen values that travel through them.

Only `app.py` knows which adapter stands behind a port. Each port has one contract test, which the real adapter and the
fake of the tests both pass. Adapters raise PaasError subclasses for what a person must read (UnavailableError when the
product is down) and hold no policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal, Protocol

from paas.rules.routes import Site as Site  # what a Proxy serves is decided by a rule
from paas.rules.routes import Sites as Sites
from paas.rules.routes import SiteState as SiteState
from paas.rules.secret import Secret

Say = Callable[[str], None]  # takes one line of text, without its newline
IsCancelled = Callable[[], bool]


# --- Time -------------------------------------------------------------------------------------------------------------
class Clock(Protocol):
    def now(self) -> datetime:
        """The moment, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def sleep(self, seconds: float) -> None: ...


class Faults(Protocol):
    def reach(self, point: str) -> None:
        """Tests only: die here with -9 if this named fail-point is armed; else nothing."""


# --- Secrets at rest --------------------------------------------------------------------------------------------------
class Vault(Protocol):
    def seal(self, text: str) -> bytes:
        """Encrypt with the configuration key (outside the database)."""

    def open(self, sealed: bytes) -> str:
        """The text again. Raises UnavailableError when the key does not fit."""

    def sign(self, text: str) -> str:
        """HMAC-SHA-256 in hex under a key derived from the configuration key."""


# --- Logs -------------------------------------------------------------------------------------------------------------
class LogWriter(Protocol):
    def write(self, text: str) -> None:
        """Append whole lines (a newline is added when missing) and make followers look."""

    def close(self) -> None:
        """Close and make followers look once more."""


class Logs(Protocol):
    """Log files below `logs/`: `jobs/<id>.log`, `<app id>/<type>.<copy>.log`. `name` is the path below `logs/`."""

    def writer(self, name: str) -> LogWriter: ...

    def size(self, name: str) -> int:
        """Bytes ever written, so rotation moves no offset; 0 when there is none yet."""

    def start(self, name: str) -> int:
        """Offset of the oldest byte kept; 0 until rotation dropped something."""

    def read(self, name: str, offset: int, limit: int = 65536) -> bytes:
        """Whole lines from `offset` (or from `start` when that is later), b"" at the end or when there is none yet."""

    def tail(self, name: str, lines: int) -> list[str]:
        """The last lines, rotated files included, oldest first."""

    def follow(
        self, name: str, offset: int, is_over: Callable[[], bool], timeout: float = 1.0
    ) -> Iterator[tuple[int, bytes]]:
        """Yield (offset after the chunk, chunk) as the file grows, at once (inotify, no polling).

        An empty chunk is yielded after `timeout` seconds of silence, so that the caller can look after its client.
        Ends after `is_over()` says yes and the rest has been read. Follows through rotation.
        """

    def files(self, folder: str) -> list[str]:
        """Names (below `logs/`) of the current logs in a folder, sorted."""

    def remove(self, folder: str) -> None:
        """Remove a folder of logs with all that is in it, or one log."""


class LogKeeper(Protocol):
    """Brings what containers print into their log files, each line once."""

    def begin(self, container: Container) -> None:
        """Follow a started container; nothing when it is followed already. May run twice."""

    def begin_all(self) -> None:
        """Follow every copy that is not followed yet: at the worker's start, and as the net below `begin`."""

    def finish(self, name: str, timeout: float = 60.0) -> None:
        """Return once all that a dead container printed is in its log: call it before removing the container.

        After `timeout` seconds of failing reads it gives up, with a line in the log that says so.
        """

    def close(self) -> None:
        """Follow no more; what is not written by then is read again by the next worker."""


# --- Doors to worker --------------------------------------------------------------------------------------------------
class WorkerLine(Protocol):
    """The worker's unix socket, seen from a door."""

    def ring(self) -> None:
        """Wake the worker: a job was queued. Never raises: the worker's own poll is the net."""

    def ask(self, question: str, timeout: float = 10.0, **words: str) -> dict[str, object]:
        """Ask about state: `state`, `doctor`, `containers` ... Raises UnavailableError when nobody answers."""

    def open_console(self, ticket: str) -> ConsoleLine:
        """Spend a one-time ticket and be bridged to a container. Raises UnavailableError."""


class ConsoleLine(Protocol):
    """An interactive session, framed. One reader and one writer may use it at once."""

    def send(self, data: bytes) -> None:
        """To the process's stdin."""

    def send_eof(self) -> None: ...

    def resize(self, columns: int, rows: int) -> None: ...

    def frames(self) -> Iterator[tuple[Literal["stdout", "stderr"], bytes]]:
        """What the process prints, until it ends."""

    def exit_code(self) -> int:
        """After `frames` ended."""

    def close(self) -> None: ...


# --- Git --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class CommitFacts:
    commit: str
    author: str
    subject: str
    committed_at: datetime


@dataclass(frozen=True)
class TreeEntry:
    mode: str  # "100644", "100755", "120000" (symlink), "160000" (gitlink)
    path: str
    size: int  # 0 for a gitlink
    object: str = ""  # git's name of the blob


class Repositories(Protocol):
    """Bare repositories below `repositories/<app id>.git`, owned by the SSH user; git runs as that user only."""

    def create(self, app_id: str) -> Path:
        """Make it with our hooks and settings unless it is there."""

    def remove(self, app_id: str) -> None: ...

    def branch(self, app_id: str, name: str) -> str | None:
        """Commit of `refs/heads/<name>`."""

    def move(self, app_id: str, ref: str, old: str | None, new: str) -> bool:
        """Compare-and-swap of a full ref; False when it stood elsewhere."""

    def facts(self, app_id: str, commit: str) -> CommitFacts: ...

    def entries(self, app_id: str, commit: str) -> Iterator[TreeEntry]: ...

    def ancestors_among(self, app_id: str, commit: str, candidates: Sequence[str]) -> list[str]:
        """Those candidates that `commit` descends from (or is)."""

    def archive(self, app_id: str, commit: str, target: Path) -> tuple[str, int]:
        """Write the commit's tree as a tar file; (SHA-256 in hex, bytes)."""


class GitService(Protocol):
    """One of git's server programs at work. The streams are file descriptors.

    Who writes to `stdin` closes it: a descriptor closed under a writer may be somebody else's a moment later.
    """

    stdin: int
    stdout: int
    stderr: int

    def close_stdin(self) -> None: ...

    def wait(self) -> int:
        """Exit code, once it has ended."""

    def kill(self) -> None: ...

    def close_output(self) -> None: ...


class GitHost(Repositories, Protocol):
    """What the SSH door may do besides, as the owner of the repositories."""

    def serve(
        self, app_id: str, service: Literal["receive-pack", "upload-pack"], environment: Mapping[str, str]
    ) -> GitService:
        """Start the program that a client's git talks to. `environment` reaches it and its hooks."""

    def entries(self, app_id: str, commit: str, quarantine: Path | None = None) -> Iterator[TreeEntry]:
        """Lazily, in git's order. `quarantine`: the object folder of a push that is not admitted yet."""

    def blobs(self, app_id: str, objects: Sequence[str], quarantine: Path | None = None) -> Iterator[bytes]:
        """The contents of small blobs, in this order."""

    def refs(self, app_id: str) -> dict[str, str]:
        """Full ref -> what it names; {} when there is no repository."""

    def point_head(self, app_id: str, branch: str) -> None:
        """What a clone checks out."""

    def tidy(self, app_id: str) -> None:
        """Pack what has piled up, if enough has."""


# --- Sources (tar files) ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SourceFile:
    path: str  # relative, no leading ./
    size: int
    is_link: bool
    is_executable: bool


class Sources(Protocol):
    """Tar files below `sources/`, read as bytes, never unpacked on the host."""

    def accept(self, inbox: Literal["ssh", "web"], file: str, sha256: str, source_id: int) -> Path:
        """Copy from an inbox (O_NOFOLLOW, regular, that door's user's) while comparing the hash. May run twice."""

    def path(self, source_id: int) -> Path: ...

    def files(self, path: Path) -> list[SourceFile]: ...

    def read(self, path: Path, name: str, limit: int = 1_000_000) -> bytes | None:
        """One file's bytes; None when absent. Raises BadInputError when it is a link or larger than `limit`."""

    def remove(self, source_id: int) -> None: ...


# --- Docker -----------------------------------------------------------------------------------------------------------
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


# --- Building ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class BuildOrder:
    """One image to build from a tar source. What is in `files` is added to (or replaces) the context's files."""

    app_id: str
    app_name: str
    tag: str
    source: Path
    context: str = ""  # sub-directory of the source ("" or "services/web")
    dockerfile: str = "Dockerfile"  # path below `context`
    files: Mapping[str, bytes] = field(default_factory=dict)  # a buildpack's Dockerfile and helpers
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    cache_key: str = ""  # value of ARG PAAS_CACHE_KEY
    labels: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    job_id: int = 0


@dataclass(frozen=True)
class BuiltImage:
    id: str  # sha256:...
    tag: str


@dataclass(frozen=True)
class BaseImage:
    """A stack that buildpacks build on. `name` as in buildpack.toml, each Debian with bash, ca-certificates and:

    "python-3.11": python3 with venv, and uv in the PATH. "node-18": node and npm. "go-1.19": go and git.
    "nginx": nginx and mime types. "debian": nothing more (what a compiled program runs on).
    """

    name: str
    reference: str
    origin: Literal["registry", "debian"]


class Builder(Protocol):
    def facts(self) -> Mapping[str, str]:
        """`cli`, `version`, `frontend` ("buildx" or "buildkit"). Raises UnavailableError with the remedy."""

    def base_origin(self) -> Literal["registry", "debian"]:
        """Where `base` takes images from at the moment: which language versions can be had depends on it."""

    def base(self, name: str, say: Say) -> BaseImage:
        """Find or make a base image (see rules/bases.py). Raises BuildError listing what can be had."""

    def build(
        self, order: BuildOrder, say: Say, is_cancelled: IsCancelled, started: Callable[[int], None]
    ) -> BuiltImage:
        """Build; `started` gets the pid of the client so that a successor can kill it.

        Raises BuildError (with tail and, for known causes, a hint) or CancelledJobError.
        """

    def prune(self, keep_bytes: int) -> int:
        """Shrink the build cache; bytes freed."""


class Templates(Protocol):
    """The buildpacks' words on disk: `buildpacks/ORDER`, then a folder for each."""

    def buildpacks(self) -> Mapping[str, str]:
        """Folder name -> text of its buildpack.toml, in the order of `buildpacks/ORDER`."""

    def render(self, buildpack: str, facts: Mapping[str, object]) -> Mapping[str, bytes]:
        """A buildpack's files as BuildOrder.files: `*.j2` rendered with `facts`, the others as they are.

        They lie below `.paas/` in the build context: `.paas/Dockerfile`. Raises BuildError when a template is broken.
        """


# --- Routing ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Applied:
    number: int  # of the tree that answers now
    quarantined: Mapping[str, str] = field(default_factory=dict)  # app id -> what nginx said of its site


class Proxy(Protocol):
    """Our own nginx master."""

    def apply(self, sites: Sites) -> Applied:
        """Render, check, move in, reload, and return once no old worker accepts connections any more.

        Does nothing when the rendered tree is the one that answers. A broken site is quarantined: its last good file
        stays in place, or an error page, and its neighbours are served. Raises UnavailableError when nginx is down or
        the reload is not confirmed; then the last good tree is back in place.
        """

    def start(self) -> int:
        """Adopt the running master by its pid file or start one with the last good tree; its pid."""

    def stop(self) -> None: ...

    def running(self) -> int | None:
        """Pid of the master."""

    def connections_to(self, address: str) -> int:
        """Connections that the host's sockets hold to `address` (any port), the host's socket table says."""

    def oldest_worker(self) -> datetime | None:
        """When the oldest nginx worker (draining ones included) was started."""

    def rotate_logs(self) -> bool:
        """Put the access and error log aside when they have reached their limit; has one been?"""


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    body: str  # its start
    location: str = ""


class Prober(Protocol):
    def accepts(self, address: str, port: int, timeout: float = 1.0) -> bool: ...

    def get(self, address: str, port: int, path: str, host: str, timeout: float) -> HttpAnswer:
        """GET with `Host: host` and `X-Forwarded-Proto`. Raises ConnectionError when there is no answer."""


class Firewall(Protocol):
    def ensure(self, bridges: Sequence[str], public_ports: Sequence[int]) -> None:
        """Our chains as wanted; atomically, may run twice; cheap when nothing changed. App bridges match by prefix:
        `bridges` names what there is beside them and docker0.

        From app bridges, docker0 and builds: no way to the host except `public_ports`, none to 169.254.0.0/16, none to
        another app's network.
        """

    def check(self) -> list[str]:
        """What is missing, for doctor; empty when all holds."""

    def remove(self) -> None: ...
