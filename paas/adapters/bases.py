"""Where does a base image come from? From the engine's store when it was made before, else it is made now.

From an official image where a registry answers, else from Debian packages with mmdebstrap. Made once for all apps; the
tag is set last, so a kill in the middle leaves nothing that could be taken for whole, and a lock lets one make it at a
time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock, Thread

from docker import APIClient
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from paas.adapters.buildkit_client import SEARCH_PATH
from paas.adapters.certificates import extra_certificates
from paas.adapters.docker_engine import Engine
from paas.errors import BuildError, UnavailableError
from paas.ports import BaseImage, BuildOrder, BuiltImage, IsCancelled, Say
from paas.rules.bases import (
    LABEL_BASE,
    Origin,
    Recipe,
    apt_sources,
    find_recipe,
    mmdebstrap_words,
    read_kinds,
    registry_dockerfile,
)
from paas.settings import Settings

Build = Callable[[BuildOrder, Say, IsCancelled, Callable[[int], None]], BuiltImage]

PROBED_IMAGE = "docker.io/library/debian:bookworm-slim"
PROBE_TIMEOUT = 5.0  # s
PROBE_INTERVAL = 300.0  # s
TMPFS_NEEDED = 3_000_000_000  # bytes of free memory from which the tree is made in memory: 15 s instead of 23 s
MAKER = "maker.pid"
APT_SOURCES = Path("/etc/apt")


class BaseImages:
    def __init__(self, settings: Settings, engine: Engine, recipes: Path, build: Build) -> None:
        self._settings = settings
        self._engine = engine
        self._build = build
        self._kinds = read_kinds((recipes / "recipes.toml").read_text())
        self._answered = settings.folder("docker", "registry-answered")
        self._lock_of_probe = Lock()
        self._probed_at: float | None = None

    def origin(self) -> Origin:
        """As set. `auto`: a registry once one has answered, so that an outage changes no app's language version.

        Until then it is asked again every few minutes, behind the back of whoever builds.
        """
        if self._settings.base_images != "auto":
            return self._settings.base_images
        with self._lock_of_probe:
            is_first = self._probed_at is None
            is_due = self._probed_at is None or time.monotonic() - self._probed_at > PROBE_INTERVAL
            if is_due and not self._answered.exists():
                self._probed_at = time.monotonic()
                probe = Thread(target=self._probe, name="probe-registry", daemon=True)
                probe.start()
                probe.join(PROBE_TIMEOUT + 1 if is_first else 0)
        return "registry" if self._answered.exists() else "debian"

    def find(self, name: str, say: Say) -> BaseImage:
        """Raises BuildError that lists what can be had, or says why it cannot be made."""
        certificates = extra_certificates(self._settings.build_ca_certificates)
        ingredients = [hashlib.sha256("".join(certificates).encode()).hexdigest(), importlib.metadata.version("uv")]
        recipe = find_recipe(self._kinds, name, self.origin(), ingredients)
        if not self._is_made(recipe):
            with self._lock(name):
                if not self._is_made(recipe):
                    self._make(recipe, certificates, say)
        return BaseImage(name, recipe.reference, recipe.origin)

    def _probe(self) -> None:
        try:
            client = APIClient(base_url=self._settings.docker_host, version="auto", timeout=int(PROBE_TIMEOUT))
            with contextlib.closing(client):
                client.inspect_distribution(PROBED_IMAGE)  # type: ignore[no-untyped-call]
        except (DockerException, RequestException):
            return
        self._answered.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._answered.touch()

    def _is_made(self, recipe: Recipe) -> bool:
        with self._engine.talking():
            try:
                self._engine.client.inspect_image(recipe.reference)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                return False
        return True

    def _make(self, recipe: Recipe, certificates: list[str], say: Say) -> None:
        started = time.monotonic()
        with self._workspace(recipe.name) as folder:
            files = {f"paas-{number}.crt": text for number, text in enumerate(certificates)}
            for name, text in files.items():
                (folder / name).write_text(text)
            if recipe.origin == "registry":
                say(f"Making the base image {recipe.name} from {recipe.image} (once for all apps)")
                self._make_from_registry(recipe, files, folder, say)
            else:
                say(f"Making the base image {recipe.name} from Debian {recipe.suite} packages (once for all apps)")
                self._make_from_debian(recipe, files, folder, say)
        say(f"The base image {recipe.name} is ready after {time.monotonic() - started:.0f} s")

    def _make_from_registry(self, recipe: Recipe, files: Mapping[str, str], folder: Path, say: Say) -> None:
        source = folder / "source.tar"
        with tarfile.open(source, "w") as tar:
            contents = {f"certificates/{name}": text.encode() for name, text in files.items()}
            contents["Dockerfile"] = registry_dockerfile(recipe, list(files)).encode()
            for name, content in contents.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            if recipe.uv:
                tar.add(find_uv(), "uv")
        order = BuildOrder("base", recipe.name, recipe.reference, source, labels={LABEL_BASE: recipe.name})
        self._build(order, say, lambda: False, lambda pid: None)

    def _make_from_debian(self, recipe: Recipe, files: Mapping[str, str], folder: Path, say: Say) -> None:
        sources = folder / "sources.list"
        sources.write_text(apt_sources(recipe.suite, _host_sources()))
        added = [(str(folder / name), "/usr/local/share/ca-certificates") for name in files]
        added += [(str(find_uv()), "/usr/local/bin")] if recipe.uv else []
        # A mount namespace of its own: whatever is mounted into the tree is gone with the last process.
        words = ["unshare", "--mount", "--propagation=private", *mmdebstrap_words(recipe, str(sources), added)]
        if not shutil.which("mmdebstrap", path=SEARCH_PATH):
            raise UnavailableError("mmdebstrap is missing, base images cannot be made", "apt-get install mmdebstrap")
        image_id = self._import(recipe, words, folder, say)
        repository, _, tag = recipe.reference.partition(":")
        with self._engine.talking():
            self._engine.client.tag(image_id, repository, tag)

    def _import(self, recipe: Recipe, words: list[str], folder: Path, say: Say) -> str:
        """Stream the tar into the engine as it is made; the image's id. Nothing is left when either fails."""
        environment = {
            "PATH": SEARCH_PATH,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "TMPDIR": str(folder),
            "DEBIAN_FRONTEND": "noninteractive",
        }
        if self._settings.build_http_proxy:
            environment |= {
                "http_proxy": self._settings.build_http_proxy,
                "https_proxy": self._settings.build_http_proxy,
            }
        process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        (folder / MAKER).write_text(str(process.pid))
        lines: list[str] = []
        try:
            with ThreadPoolExecutor(1) as pool:
                importing = pool.submit(self._post, recipe, process)
                assert process.stderr is not None  # noqa: S101 - for the type checker
                for raw in process.stderr:
                    line = raw.decode("utf-8", "replace").strip()
                    lines.append(line)
                    if line.startswith("I: ") and line.endswith("...") and str(folder) not in line:
                        say(f"  {line.removeprefix('I: ').removesuffix('...')}")
                code = process.wait()
                answer = importing.result()
        finally:
            _stop(process)
        return self._check(recipe, code, answer, lines)

    def _post(self, recipe: Recipe, process: subprocess.Popen[bytes]) -> str:
        changes = [f"LABEL {LABEL_BASE}={recipe.name}", f"ENV PATH={SEARCH_PATH}", 'CMD ["bash"]']
        with self._engine.talking():
            answer: str = self._engine.client.import_image_from_stream(process.stdout, changes=changes)
        return answer

    def _check(self, recipe: Recipe, code: int, answer: str, lines: list[str]) -> str:
        last = json.loads(answer.strip().splitlines()[-1]) if answer.strip() else {}
        image_id = str(last.get("status", ""))
        if code == 0 and image_id.startswith("sha256:"):
            return image_id
        if image_id.startswith("sha256:"):
            with contextlib.suppress(DockerException):
                self._engine.client.remove_image(image_id)
        errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
        why = errors[0] if errors else str(last.get("error", f"exit code {code}"))
        raise BuildError(
            f"The base image {recipe.name} could not be made: {why[:300]}",
            "see whether the server reaches its Debian mirror: apt-get update",
            code="base-image",
            tail=tuple(lines[-15:]),
        )

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        """One at a time makes `name`; ends with the process that holds it."""
        parent = self._settings.folder("docker")
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (parent / f"base-{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def _workspace(self, name: str) -> Iterator[Path]:
        """A folder in memory where there is enough; what a killed maker left there is removed first."""
        parent = _fastest_folder(self._settings.folder("docker"))
        prefix = f"paas-base-{name}-{hashlib.sha256(str(self._settings.home).encode()).hexdigest()[:8]}-"
        for left in parent.glob(f"{prefix}*"):
            _end_maker(left)
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=prefix, ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def find_uv() -> Path:
    """The uv of our own lock file."""
    for path in (Path(sys.prefix) / "bin" / "uv", Path(sys.executable).parent / "uv"):
        if path.is_file():
            return path.resolve()
    raise UnavailableError(
        "uv is missing beside the platform's Python", "deploy/quickstart installs it", code="uv-missing"
    )


def _host_sources() -> list[str]:
    files = [APT_SOURCES / "sources.list", *sorted((APT_SOURCES / "sources.list.d").glob("*"))]
    return [
        file.read_text(errors="replace") for file in files if file.suffix in (".list", ".sources") and file.is_file()
    ]


def _fastest_folder(fallback: Path) -> Path:
    memory, shared = Path("/proc/meminfo"), Path("/dev/shm")  # noqa: S108 - a 0700 folder is made in it
    available = next(
        int(line.split()[1]) * 1024 for line in memory.read_text().splitlines() if line.startswith("MemAvailable")
    )
    is_fit = shared.is_dir() and not os.statvfs(shared).f_flag & os.ST_NOEXEC
    if is_fit and min(available, shutil.disk_usage(shared).free) >= TMPFS_NEEDED:
        return shared
    fallback.mkdir(mode=0o700, parents=True, exist_ok=True)
    return fallback


def _end_maker(folder: Path) -> None:
    """Kill the mmdebstrap of a killed worker, known by the folder in its command line."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((folder / MAKER).read_text())
        if folder.name.encode() in Path("/proc", str(pid), "cmdline").read_bytes():
            os.killpg(pid, signal.SIGKILL)
            time.sleep(0.2)  # until its children's files are closed; only after a crash


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
