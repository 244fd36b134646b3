"""What makes images, and the files that they are made from?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from paas.ports.common import IsCancelled, Say
from paas.rules.secret import Secret


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
