"""Which base images are there, and what are they made of? Recipes as data: deploy/base-images/recipes.toml.

An image's tag is the hash of all that goes into it, so a changed recipe is a new image and an unchanged one is found.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from paas.errors import BuildError

Origin = Literal["registry", "debian"]

LABEL_BASE = "paas.base"  # not the installation's label: pruning an installation's images never meets a base image
REPOSITORY_PREFIX = "paas/base-"  # the only images below paas/ that users' Dockerfiles may name
COMMON_PACKAGES = ("bash", "ca-certificates")
RECIPE_VERSION = "1"  # raised when the way of making changes what is made
DEFAULT_MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

_VERSION = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,2}", re.ASCII)
_ARCHIVE = re.compile(r"https?://[^\s\[\]]+?/debian/?(?=\s|$)", re.MULTILINE)
_SECURITY = re.compile(r"https?://[^\s\[\]]+?/debian-security/?(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """One table of the recipes. `debian`: version -> suite."""

    name: str
    debian: Mapping[str, str]
    packages: tuple[str, ...]
    registry: str
    packages_on_registry: tuple[str, ...] = ()
    uv: bool = False


@dataclass(frozen=True)
class Recipe:
    """One image to make. `suite` for origin debian, `image` for origin registry."""

    name: str
    origin: Origin
    packages: tuple[str, ...]
    suite: str = ""
    image: str = ""
    uv: bool = False
    ingredients: tuple[str, ...] = field(default=())  # what else the content depends on

    @property
    def reference(self) -> str:
        words = (
            RECIPE_VERSION,
            self.name,
            self.origin,
            self.suite,
            self.image,
            str(self.uv),
            *self.packages,
            "",
            *self.ingredients,
        )
        digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
        return f"{REPOSITORY_PREFIX}{self.name}:{digest[:16]}"


def default_bases(definition: str, origin: Origin) -> list[str]:
    """What a buildpack (the text of its buildpack.toml) is built on when the app asks for no version."""
    body = tomllib.loads(definition)
    version = body.get("version", {}).get("default", {}).get(origin, "")
    return [base["name"].format(version=version) for base in body["base"]]


def read_kinds(text: str) -> dict[str, Kind]:
    """The recipes file. Raises ValueError (a bug of ours) when it is not as documented."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(text)
    return {
        name: Kind(
            name,
            dict(table["debian"]),
            tuple(table["packages"]),
            str(table["registry"]),
            tuple(table.get("packages_on_registry", ())),
            bool(table.get("uv", False)),
        )
        for name, table in tables.items()
    }


def names_of(kinds: Iterable[Kind], origin: Origin) -> list[str]:
    """What can be had: "python-3.11"; for a registry any version, written as "python-VERSION"."""
    found = []
    for kind in kinds:
        for version in kind.debian if origin == "debian" or "{version}" not in kind.registry else ("VERSION",):
            found.append(f"{kind.name}-{version}" if version else kind.name)
    return found


def find_recipe(kinds: Mapping[str, Kind], name: str, origin: Origin, ingredients: Sequence[str] = ()) -> Recipe:
    """Raises BuildError (code `base-image`) that lists what can be had."""
    kind_name, _, version = name.partition("-")
    kind = kinds.get(kind_name)
    has_version = kind is not None and "{version}" in kind.registry
    made_of = tuple(ingredients)
    if kind is not None and origin == "debian" and version in kind.debian:
        packages = (*COMMON_PACKAGES, *kind.packages)
        return Recipe(name, origin, packages, suite=kind.debian[version], uv=kind.uv, ingredients=made_of)
    if kind is not None and origin == "registry" and (_VERSION.fullmatch(version) if has_version else not version):
        packages = (*COMMON_PACKAGES, *kind.packages_on_registry)
        image = kind.registry.format(version=version)
        return Recipe(name, origin, packages, image=image, uv=kind.uv, ingredients=made_of)
    raise BuildError(
        f"There is no base image {name[:60]!a}",
        f"there are {', '.join(names_of(kinds.values(), origin))}",
        code="base-image",
    )


def apt_sources(suite: str, host: Iterable[str]) -> str:
    """sources.list for a suite, from the mirror that the host itself uses (`host`: its sources files' texts)."""
    text = "\n".join(line for part in host for line in part.splitlines() if not line.lstrip().startswith("#"))
    archive = _ARCHIVE.search(text)
    security = _SECURITY.search(text)
    mirror = archive[0].rstrip("/") if archive else DEFAULT_MIRROR
    updates = security[0].rstrip("/") if security else f"{mirror.removesuffix('/debian')}/debian-security"
    return (
        f"deb [signed-by={KEYRING}] {mirror} {suite} main\n"
        f"deb [signed-by={KEYRING}] {mirror} {suite}-updates main\n"
        f"deb [signed-by={KEYRING}] {updates} {suite}-security main\n"
    )


def mmdebstrap_words(recipe: Recipe, sources: str, added: Sequence[tuple[str, str]]) -> list[str]:
    """The command that prints the image's tar. `added`: (file here, folder there). Paths are the platform's own."""
    words = [
        "mmdebstrap",
        "--mode=root",
        "--variant=apt",
        "--format=tar",
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",  # a half-made image is thrown away anyway
        f"--include={','.join(recipe.packages)}",
    ]
    words += [f'--customize-hook=mkdir -p "$1{folder}"' for _, folder in added]
    words += [f"--customize-hook=copy-in {file} {folder}" for file, folder in added]
    # Manuals by a hook at the end: dpkg's own path-exclude makes mmdebstrap 8 s slower (a filter for every package).
    words += [
        '--customize-hook=chroot "$1" update-ca-certificates',
        '--customize-hook=rm -rf "$1"/usr/share/man/* "$1"/usr/share/locale/* "$1"/usr/share/info/* "$1"/var/log/*.log',
    ]
    return [*words, recipe.suite, "-", sources]


def registry_dockerfile(recipe: Recipe, certificates: Sequence[str]) -> str:
    """The same base image on an official one. `certificates`: file names below `certificates/` of the context."""
    lines = [f"FROM {recipe.image}"]
    lines += [f"COPY certificates/{name} /usr/local/share/ca-certificates/{name}" for name in certificates]
    lines += ["COPY uv /usr/local/bin/uv"] if recipe.uv else []
    lines += [
        "RUN apt-get update && apt-get install -y --no-install-recommends "
        + " ".join(recipe.packages)
        + " && update-ca-certificates && rm -rf /var/lib/apt/lists/*",
    ]
    return "\n".join(lines) + "\n"
