"""Which builder makes the image, and why?

What the app was told (`builder:set`) counts first, then a Dockerfile, then the first buildpack that finds its language.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from paas.errors import BadInputError, BuildError
from paas.rules.buildpack import Buildpack, Facts, Read, find_buildpack

DOCKERFILE_BUILDER = "dockerfile"
DEFAULT_DOCKERFILE = "Dockerfile"


@dataclass(frozen=True)
class BuilderWish:
    """What the app's settings say. `builder`: "" (choose), "dockerfile" or a buildpack's name."""

    builder: str = ""
    build_dir: str = ""
    dockerfile: str = ""


@dataclass(frozen=True)
class BuilderChoice:
    """`reason` is a whole line for the log. `buildpack` and `facts` are there unless a Dockerfile builds."""

    builder: str
    reason: str
    dockerfile: str = ""
    buildpack: Buildpack | None = None
    facts: Facts | None = None


def check_builder(name: str, buildpacks: Collection[str]) -> str:
    """Return `name` when it can be set as an app's builder. Raises BadInputError (code `builder`)."""
    if name and name != DOCKERFILE_BUILDER and name not in buildpacks:
        known = ", ".join([DOCKERFILE_BUILDER, *buildpacks])
        raise BadInputError(f"There is no builder {name[:40]!a}", f"choose one of {known}", code="builder")
    return name


def check_build_dir(path: str) -> str:
    """Return `path` without slashes at its ends when it stays inside the source. Raises BadInputError (`build-dir`)."""
    path = path.strip("/").removeprefix("./")
    parts = path.split("/")
    if path and (any(part in ("", ".", "..") for part in parts) or any(ord(character) < 32 for character in path)):
        raise BadInputError(
            f"{path[:60]!a} is no folder inside the source", "name it like services/web", code="build-dir"
        )
    return path


def files_below(files: Sequence[str], build_dir: str) -> list[str]:
    """The files of the build directory, named relative to it."""
    prefix = f"{build_dir}/" if build_dir else ""
    return [file.removeprefix(prefix) for file in files if file.startswith(prefix)]


def read_below(read: Read, build_dir: str) -> Read:
    """`read` for paths relative to the build directory."""
    return (lambda path: read(f"{build_dir}/{path}")) if build_dir else read


def choose_builder(
    wish: BuilderWish, buildpacks: Mapping[str, Buildpack], files: Sequence[str], read: Read
) -> BuilderChoice:
    """Choose. `files` and `read` are those of the build directory.

    Raises BuildError (code `no-builder`) that says what was looked for, or what a buildpack's own refusal says.
    """
    where = f" in {wish.build_dir}" if wish.build_dir else ""
    if not files:
        what = f"The folder {wish.build_dir} (build-dir)" if wish.build_dir else "The source"
        raise BuildError(f"{what} has no files", "builder:set APP build-dir FOLDER names another", code="no-builder")
    dockerfile = wish.dockerfile or DEFAULT_DOCKERFILE
    if wish.builder == DOCKERFILE_BUILDER or (not wish.builder and dockerfile in files):
        return _choose_dockerfile(wish, dockerfile, dockerfile in files, where)
    if not wish.builder and wish.dockerfile:
        raise _missing_dockerfile(dockerfile, where)
    return _choose_buildpack(wish, buildpacks, files, read, where)


def _choose_dockerfile(wish: BuilderWish, dockerfile: str, is_there: bool, where: str) -> BuilderChoice:
    if not is_there:
        raise _missing_dockerfile(dockerfile, where)
    because = "as set for this app" if wish.builder else f"{dockerfile} found{where}"
    return BuilderChoice(DOCKERFILE_BUILDER, f"Building with {dockerfile} ({because})", dockerfile)


def _missing_dockerfile(dockerfile: str, where: str) -> BuildError:
    return BuildError(
        f"There is no {dockerfile}{where}", "builder:set APP dockerfile-path FILE names another", code="no-builder"
    )


def _choose_buildpack(
    wish: BuilderWish, buildpacks: Mapping[str, Buildpack], files: Sequence[str], read: Read, where: str
) -> BuilderChoice:
    asked = {name: pack for name, pack in buildpacks.items() if wish.builder in ("", name)}
    found = find_buildpack(asked, files, read)
    if found is None and wish.builder:
        looked = ", ".join(asked[wish.builder].detect) if wish.builder in asked else "nothing: it is not installed"
        raise BuildError(
            f"The app is set to be built as {wish.builder}, but it looks for {looked}{where}",
            "builder:set APP selected leaves the choice to the source",
            code="no-builder",
        )
    if found is None:
        looked = "; ".join(f"{pack.title}: {', '.join(pack.detect)}" for pack in buildpacks.values())
        raise BuildError(
            f"Nothing here says how to build this app{where}: there is no {DEFAULT_DOCKERFILE}, and no buildpack fits",
            f"looked for {looked}",
            code="no-builder",
        )
    buildpack, facts, file = found
    because = "as set for this app" if wish.builder else f"{file} found{where}"
    return BuilderChoice(
        buildpack.name, f"Building a {buildpack.title} app ({because})", buildpack=buildpack, facts=facts
    )
