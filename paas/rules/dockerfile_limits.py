"""What may a user's Dockerfile not do, and what can this engine not do?

Images of other apps, the host's own network and the platform's variables are out of reach of a build. What a step
downloads, it downloads from inside the build (RUN), where the firewall stands; ADD of a URL is fetched by the engine
itself, from the host's network, and is refused.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from paas.errors import BadInputError, BuildError
from paas.rules.dockerfile import Dockerfile, Instruction, expand, heredocs_of, refusal, split_flags, words_of
from paas.rules.dockerfile_rewrite import CACHE_KEY

_HEX_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}", re.ASCII)
_OURS = re.compile(r"(?:(?:index\.)?docker\.io/)?paas/(?!base-)", re.ASCII)
_UNCLEAR = re.compile(r"[^A-Za-z0-9._/:@\[\]-]", re.ASCII)
_BY_PLATFORM = re.compile(r"\$\{(?:BUILD|TARGET)(?:PLATFORM|OS|ARCH|VARIANT)[^}]", re.ASCII)
_PLATFORM_NAME = re.compile(r"\s*[\"']?(?:BUILDKIT_|PAAS_CACHE_KEY)", re.ASCII)
_ARGUMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
PLATFORM_ARGUMENTS = frozenset({"PAAS_APP"})  # ours, and meant to be read by users' Dockerfiles
_ADDED_WITH = {
    "network": "RUN",
    "security": "RUN",
    "link": "COPY",
    "checksum": "ADD",
    "keep-git-dir": "ADD",
    "parents": "COPY",
    "exclude": "COPY",
}


@dataclass(frozen=True)
class Engine:
    """What the engine's built-in Dockerfile frontend understands."""

    version: str

    @property
    def is_modern(self) -> bool:
        """Engine 23 and later bring here-documents, RUN --network, COPY --link (Dockerfile 1.4)."""
        major = self.version.partition(".")[0]
        return not major.isdecimal() or int(major) >= 23


def check_build_argument(name: str) -> str:
    """Return `name` if a user may set a build argument called so, else raise BadInputError (code `build-argument`)."""
    if not _ARGUMENT_NAME.fullmatch(name) or len(name) > 256:
        raise BadInputError(
            f"{name[:40]!a} cannot be a build argument", "use letters, digits and _: NODE_ENV", code="build-argument"
        )
    if name.upper().startswith(("BUILDKIT_", "PAAS_")):
        raise BadInputError(
            f"The build argument {name} belongs to the platform",
            "choose a name without BUILDKIT_ or PAAS_ in front",
            code="build-argument",
        )
    return name


def check_dockerfile(dockerfile: Dockerfile, engine: Engine, arguments: Mapping[str, str], name: str) -> None:
    """Raise BuildError for the first line that may not or cannot be built."""
    stages: set[str] = set()
    values = _global_arguments(dockerfile, arguments)
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            words = instruction.rest.split()
            if not words:
                raise refusal(
                    name, instruction.line, "FROM names no image", "write FROM IMAGE, such as FROM debian:bookworm"
                )
            if _BY_PLATFORM.search(words[0]):
                raise refusal(name, instruction.line, "no image is chosen by what the platform is", "write its name")
            check_reference(expand(words[0], values), stages, instruction.line, name)
            if len(words) == 3 and words[1].upper() == "AS":
                stages.add(words[2].lower())
        else:
            _check_instruction(instruction, stages, engine, name)


def check_reference(reference: str, stages: set[str], line: int, name: str) -> None:
    """An image by its name, a stage of this file, or a stage's number; never another app's image or the host itself."""
    bare = reference.strip("\"'")
    if bare.lower() in stages or (bare.isdecimal() and len(bare) < 4):
        return
    if _UNCLEAR.search(bare):  # BuildKit would make another name of it than we look at: pa""as/x, ${A%b}
        raise refusal(
            name,
            line,
            f"{bare[:60]!a} is not a plain image name",
            "write it without quotes or escapes inside, with $NAME or ${NAME:-default} at most",
            code="image-reference",
        )
    if _HEX_ID.fullmatch(bare):
        raise refusal(
            name,
            line,
            f"{bare[:20]!a} is an image's id",
            "name the image: FROM debian:bookworm",
            code="image-reference",
        )
    if _OURS.match(bare):
        raise refusal(
            name,
            line,
            "images of the platform's apps cannot be used in a build",
            "publish what you share in a registry",
            code="image-reference",
        )
    host = bare.partition("/")[0] if "/" in bare else ""
    if host and is_this_host(host):
        raise refusal(
            name,
            line,
            f"{host!a} is this server itself",
            "builds do not reach the host's ports",
            code="image-reference",
        )


def is_this_host(host: str) -> bool:
    """localhost, loopback and link-local addresses, with or without a port."""
    bare = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if bare.lower().rstrip(".") == "localhost" or bare.lower().rstrip(".").endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local or address.is_unspecified


def without_unknown_flags(dockerfile: Dockerfile, engine: Engine) -> tuple[Dockerfile, list[str]]:
    """Drop `--link` where the engine does not know it (it changes caching only); the notices to print."""
    if engine.is_modern:
        return dockerfile, []
    notices: list[str] = []
    kept: list[Instruction] = []
    for instruction in dockerfile.instructions:
        if instruction.keyword in ("ADD", "COPY") and {"--link", "--link=true"} & set(instruction.flags):
            notices.append(f"line {instruction.line}: --link is left out, Docker {engine.version} does not know it")
            flags = tuple(flag for flag in instruction.flags if not flag.startswith("--link"))
            instruction = replace(instruction, flags=flags, flags_text=" ".join(flags))
        kept.append(instruction)
    return replace(dockerfile, instructions=tuple(kept)), notices


def remote_add_refusal(what: str, line: int, name: str) -> BuildError:
    return refusal(
        name,
        line,
        f"ADD of {what} is fetched by the server itself and therefore refused",
        "download it in the build: RUN curl -fsSLO URL; use COPY for files of the app",
        code="dockerfile-add",
    )


def _check_instruction(instruction: Instruction, stages: set[str], engine: Engine, name: str) -> None:
    line = instruction.line
    if instruction.keyword == "ONBUILD":
        keyword, _, rest = instruction.rest.partition(" ")
        flags, flags_text, rest = split_flags(rest.lstrip())
        inner = replace(instruction, keyword=keyword.upper(), flags=flags, flags_text=flags_text, rest=rest)
        _check_instruction(inner, stages, engine, name)
        return
    if not engine.is_modern:
        _check_for_old_engine(instruction, engine, name)
    if instruction.keyword in ("ARG", "ENV") and _sets_platform_name(instruction.rest):
        raise refusal(name, line, f"{CACHE_KEY} and BUILDKIT_* belong to the platform", "choose another name")
    for reference in instruction.flag("from"):
        check_reference(reference, stages, line, name)
    if instruction.keyword == "ADD":
        _check_add(instruction, name)
    if instruction.keyword == "RUN":
        _check_run(instruction, stages, name)
    for number, text in enumerate(instruction.body, instruction.last_line - len(instruction.body) + 1):
        _check_body_line(text, number, name)


def _check_add(instruction: Instruction, name: str) -> None:
    """Sources must be files of the context: no URL, no git address, no variable that could become one."""
    plain = re.sub(r"[\\`\"']", "", instruction.rest)
    sources = [plain] if instruction.rest.startswith("[") else plain.split()[:-1]
    for source in sources:
        if "$" in source:
            raise remote_add_refusal("a variable", instruction.line, name)
        if (":" in source and not heredocs_of(instruction)) or source.startswith("github.com/"):
            raise remote_add_refusal("a URL", instruction.line, name)
        if instruction.rest.startswith("[") and "\\" in instruction.rest:
            raise remote_add_refusal("a name with escapes", instruction.line, name)


def _check_run(instruction: Instruction, stages: set[str], name: str) -> None:
    for value in instruction.flag("network"):
        if value not in ("default", "none"):
            raise refusal(name, instruction.line, f"RUN --network={value[:20]} is not allowed", "use default or none")
    for value in instruction.flag("security"):
        if value != "sandbox":
            raise refusal(name, instruction.line, f"RUN --security={value[:20]} is not allowed", "remove the flag")
    for mount in instruction.flag("mount"):
        for option in next(csv.reader([mount]), []):
            key, _, value = option.partition("=")
            if key.strip().lower() == "from":
                check_reference(value.strip(), stages, instruction.line, name)


def _check_for_old_engine(instruction: Instruction, engine: Engine, name: str) -> None:
    if heredocs_of(instruction):
        raise refusal(
            name,
            instruction.line,
            f"here-documents (<<) need Docker 23 or later, this server runs {engine.version}",
            "join the commands with && or COPY a script",
            code="engine-too-old",
        )
    for flag in instruction.flags:
        word = flag.partition("=")[0].removeprefix("--")
        if word in _ADDED_WITH and not (word == "link" and instruction.keyword in ("ADD", "COPY")):
            raise refusal(
                name,
                instruction.line,
                f"{instruction.keyword} --{word} needs Docker 23 or later, this server runs {engine.version}",
                "leave the flag out",
                code="engine-too-old",
            )


def _check_body_line(text: str, line: int, name: str) -> None:
    """A second look, should an engine not see the here-document that we see: its lines would be instructions."""
    words = text.split(maxsplit=1)
    if len(words) == 2 and words[0].upper() == "ADD" and "://" in words[1]:
        raise remote_add_refusal("a URL", line, name)
    if len(words) == 2 and words[0].upper() == "RUN" and words[1].startswith(("--network", "--security")):
        raise refusal(name, line, f"{words[1].split()[0]} is not allowed", "remove the flag")


def _sets_platform_name(rest: str) -> bool:
    return any(_PLATFORM_NAME.match(word) for word in rest.split())


def _global_arguments(dockerfile: Dockerfile, given: Mapping[str, str]) -> dict[str, str]:
    """What FROM can name: the ARGs before the first FROM, and no build argument that none of them declares."""
    found: dict[str, str] = {}
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            break
        for word in words_of(instruction.rest) if instruction.keyword == "ARG" else ():
            name, _, default = word.partition("=")
            found[name] = given[name] if name in given else expand(default.strip("\"'"), found)
    return found
