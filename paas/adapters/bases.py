"""Where does a base image come from? From the engine's store when it was made before, else it is made now.

From an official image where a registry answers, else from Debian packages. Made once for all apps; the tag is set last,
so a kill in the middle leaves nothing that could be taken for whole, and a lock lets one make it at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import io
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock, Thread

from docker import APIClient
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from paas.adapters.certificates import extra_certificates
from paas.adapters.docker_engine import Engine
from paas.adapters.mmdebstrap import Mmdebstrap
from paas.errors import UnavailableError
from paas.ports import BaseImage, BuildOrder, BuiltImage, IsCancelled, Say
from paas.rules.bases import LABEL_BASE, Origin, Recipe, find_recipe, read_kinds, registry_dockerfile
from paas.settings import Settings

Build = Callable[[BuildOrder, Say, IsCancelled, Callable[[int], None]], BuiltImage]

PROBED_IMAGE = "docker.io/library/debian:bookworm-slim"
PROBE_TIMEOUT = 5.0  # s
PROBE_INTERVAL = 300.0  # s


class BaseImages:
    def __init__(self, settings: Settings, engine: Engine, recipes: Path, build: Build) -> None:
        self._settings = settings
        self._engine = engine
        self._build = build
        self._mmdebstrap = Mmdebstrap(settings, engine)
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
                    self._make(recipe, {f"paas-{number}.crt": text for number, text in enumerate(certificates)}, say)
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

    def _make(self, recipe: Recipe, certificates: Mapping[str, str], say: Say) -> None:
        started = time.monotonic()
        uv = find_uv() if recipe.uv else None
        if recipe.origin == "registry":
            say(f"Making the base image {recipe.name} from {recipe.image} (once for all apps)")
            self._make_from_registry(recipe, certificates, uv, say)
        else:
            say(f"Making the base image {recipe.name} from Debian {recipe.suite} packages (once for all apps)")
            image_id = self._mmdebstrap.make(recipe, certificates, uv, say)
            repository, _, tag = recipe.reference.partition(":")
            with self._engine.talking():
                self._engine.client.tag(image_id, repository, tag)
        say(f"The base image {recipe.name} is ready after {time.monotonic() - started:.0f} s")

    def _make_from_registry(self, recipe: Recipe, certificates: Mapping[str, str], uv: Path | None, say: Say) -> None:
        contents = {f"certificates/{name}": text.encode() for name, text in certificates.items()}
        contents["Dockerfile"] = registry_dockerfile(recipe, list(certificates)).encode()
        with tempfile.TemporaryDirectory(dir=self._settings.folder("docker"), prefix="base-") as folder:
            source = Path(folder, "source.tar")
            with tarfile.open(source, "w") as tar:
                for name, content in contents.items():
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
                if uv:
                    tar.add(uv, "uv")
            order = BuildOrder("base", recipe.name, recipe.reference, source, labels={LABEL_BASE: recipe.name})
            self._build(order, say, lambda: False, lambda pid: None)

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        """One at a time makes `name`; ends with the process that holds it."""
        parent = self._settings.folder("docker")
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (parent / f"base-{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def find_uv() -> Path:
    """The uv of our own lock file."""
    for path in (Path(sys.prefix) / "bin" / "uv", Path(sys.executable).parent / "uv"):
        if path.is_file():
            return path.resolve()
    raise UnavailableError(
        "uv is missing beside the platform's Python", "deploy/quickstart installs it", code="uv-missing"
    )
