"""Which docker command can build with BuildKit here, and what does it get to see?

The Docker SDK has no BuildKit, so builds go through the command line: `docker buildx`, else a client older than 23 that
knows DOCKER_BUILDKIT=1. Its environment is fixed: no name in it is chosen by a user. (With `--secret env=KEY` a
variable such as LD_PRELOAD, DOCKER_CONFIG or PATH would be code run as root on the host.)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paas.errors import BadInputError, UnavailableError
from paas.ports import BuildOrder
from paas.rules.dockerfile_limits import PLATFORM_ARGUMENTS, check_build_argument
from paas.rules.dockerfile_rewrite import CACHE_KEY, CERTIFICATES_SECRET
from paas.rules.names import CHILD_MARK
from paas.settings import Settings

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LARGEST_WORD = 120_000  # Linux: one argument or variable has at most 128 KiB

_VERSION = re.compile(r"(\d+)\.(\d+)")
_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


@dataclass(frozen=True)
class Client:
    """A docker command that can build with BuildKit."""

    path: str
    version: str
    frontend: Literal["buildx", "buildkit"]

    @property
    def words(self) -> list[str]:
        if self.frontend == "buildx":
            return [self.path, "buildx", "build", "--load", "--provenance=false"]
        return [self.path, "build"]


def find_client(settings: Settings) -> Client:
    """The setting docker_cli, else the first in the path that can. Raises UnavailableError with the remedy."""
    environment = base_environment(settings)
    for path in [settings.docker_cli] if settings.docker_cli else _candidates():
        client = _probe(path, environment)
        if client:
            return client
    if settings.docker_cli:
        raise UnavailableError(
            f"{settings.docker_cli} (setting docker_cli) cannot build with BuildKit",
            "leave the setting empty or name another",
            code="buildkit-missing",
        )
    raise UnavailableError(
        "No docker command here can build with BuildKit",
        "apt-get install docker-buildx (docker-buildx-plugin from Docker's own repository)",
        code="buildkit-missing",
    )


def base_environment(settings: Settings) -> dict[str, str]:
    """What the client sees whoever builds; its home and configuration are a folder of ours."""
    home = str(settings.folder("docker"))
    return {
        "PATH": SEARCH_PATH,
        "HOME": home,
        "DOCKER_CONFIG": home,
        "DOCKER_HOST": settings.docker_host,
        "DOCKER_BUILDKIT": "1",
        "BUILDKIT_PROGRESS": "plain",
        "LANG": "C.UTF-8",
        CHILD_MARK: "1",
    }


def build_command(
    client: Client,
    order: BuildOrder,
    settings: Settings,
    *,
    dockerfile: str,
    image_id_file: Path,
    certificates: Path | None,
) -> tuple[list[str], dict[str, str]]:
    """The words and the environment of one build. Raises BadInputError for names and sizes that cannot be passed on."""
    environment = base_environment(settings)
    environment["BUILDX_CONFIG"] = str(image_id_file.parent / "buildx")  # it keeps a file for each build, for ever
    words = [*client.words, "--progress=plain", f"--iidfile={image_id_file}", f"--file={dockerfile}"]
    words += [f"--tag={order.tag}"] if order.tag else []
    if order.target:
        if not _TARGET.fullmatch(order.target):
            raise BadInputError(f"{order.target[:40]!a} cannot be a build target", code="build-target")
        words.append(f"--target={order.target}")
    if order.no_cache:
        words.append("--no-cache")
    for name, value in build_arguments(order, settings).items():
        words.append(_checked(f"--build-arg={name}={value}", f"The build argument {name}"))
    for name, value in order.labels.items():
        words.append(_checked(f"--label={name}={value}", f"The label {name}"))
    for number, (key, secret) in enumerate(order.secrets.items()):
        if not _SECRET_NAME.fullmatch(key):
            raise BadInputError(f"{key[:40]!a} cannot be the name of a build secret", code="build-secret")
        environment[f"PAAS_SECRET_{number}"] = _checked(secret.reveal(), f"The variable {key}")
        words.append(f"--secret=id={key},env=PAAS_SECRET_{number}")
    if certificates:
        words.append(f"--secret=id={CERTIFICATES_SECRET},src={certificates}")
    return [*words, "-"], environment


def build_arguments(order: BuildOrder, settings: Settings) -> Mapping[str, str]:
    """The user's and the flow's, then ours, which win."""
    for name in order.arguments:
        if name not in PLATFORM_ARGUMENTS:
            check_build_argument(name)
    arguments = dict(order.arguments)
    if settings.build_http_proxy:  # predefined by BuildKit: neither in the image nor in the cache's keys
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            arguments.setdefault(name, settings.build_http_proxy)
    if settings.build_no_proxy:
        for name in ("NO_PROXY", "no_proxy"):
            arguments.setdefault(name, settings.build_no_proxy)
    # An empty cache key or namespace would be one that apps share.
    arguments[CACHE_KEY] = order.cache_key or order.app_id
    arguments["BUILDKIT_CACHE_MOUNT_NS"] = order.app_id
    return arguments


def _checked(text: str, what: str) -> str:
    if "\0" in text or len(text.encode("utf-8", "surrogateescape")) > LARGEST_WORD:
        raise BadInputError(
            f"{what} cannot be passed to a build: it holds a NUL or more than {LARGEST_WORD:,} bytes",
            code="build-value",
        )
    return text


def _candidates() -> Iterator[str]:
    for folder in SEARCH_PATH.split(":"):
        found = shutil.which("docker", path=folder)
        if found:
            yield found


def _probe(path: str, environment: Mapping[str, str]) -> Client | None:
    version = _ask([path, "--version"], environment)
    match = _VERSION.search(version)
    if not match:
        return None
    if _ask([path, "buildx", "version"], environment):
        return Client(path, match[0], "buildx")
    if 18 <= int(match[1]) < 23:
        return Client(path, match[0], "buildkit")
    return None


def _ask(words: list[str], environment: Mapping[str, str]) -> str:
    try:
        answer = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 and os.path.isabs(words[0]) else ""  # noqa: PTH117 - a word, not a path yet
