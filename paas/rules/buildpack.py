"""What does a buildpack's folder declare, and which buildpack fits a source?

A buildpack.toml is read into a `Buildpack`; nothing here knows a language. docs/buildpacks.md explains every key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from paas.errors import BuildError
from paas.rules.buildpack_facts import BUILT_IN_FACTS, Condition, FactRule, Facts, Read, find_facts, first_match, holds
from paas.rules.names import check_process_type

__all__ = ["Buildpack", "Facts", "Read", "find_buildpack", "parse_buildpack"]

Origin = Literal["registry", "debian"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class VersionRule(_Part):
    """Versions that can be had, and the facts that may ask for one; the first that has a value is asked."""

    scheme: Literal["pep440", "semver", "at-least"]
    asks: list[str] = Field(default_factory=list)
    available: dict[Origin, list[str]]
    default: dict[Origin, str]
    aliases: dict[str, str] = Field(default_factory=dict)


class BaseRule(_Part):
    """A base image that the Dockerfile gets as `base.<role>`; `{version}` stands in its name."""

    role: str
    name: str
    when: Condition = Field(default_factory=list)


class ProcessRule(_Part):
    """A default process of an app without a Procfile: the first that holds for its type. `{fact}` stands in it."""

    type: str
    command: str
    when: Condition = Field(default_factory=list)


class NoteRule(_Part):
    """A line for the person who pushes; a refusal has a hint too."""

    say: str
    hint: str = ""
    when: Condition = Field(default_factory=list)


class Buildpack(_Part):
    name: str  # of its folder
    title: str
    detect: list[str]
    unless: Condition = Field(default_factory=list)
    facts: dict[str, FactRule] = Field(default_factory=dict)
    version: VersionRule | None = None
    base: list[BaseRule]
    caches: dict[str, str] = Field(default_factory=dict)  # id -> folder in the build
    process: list[ProcessRule] = Field(default_factory=list)
    refuse: list[NoteRule] = Field(default_factory=list)
    warn: list[NoteRule] = Field(default_factory=list)


def parse_buildpack(name: str, text: str) -> Buildpack:
    """Read `buildpacks/<name>/buildpack.toml`. Raises BuildError (`buildpack`): the folder is broken, not the app."""
    try:
        buildpack = Buildpack.model_validate({"name": name, **tomllib.loads(text)})
    except tomllib.TOMLDecodeError as error:
        raise _broken(name, str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise _broken(name, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    known = set(BUILT_IN_FACTS)
    for fact, rule in buildpack.facts.items():
        _check_names(name, f"facts.{fact}", rule.when, known)
        known.add(fact)
    for place, condition in _conditions(buildpack):
        _check_names(name, place, condition, known)
    for process in buildpack.process:
        check_process_type(process.type)
    return buildpack


def find_buildpack(
    buildpacks: Mapping[str, Buildpack], files: Sequence[str], read: Read
) -> tuple[Buildpack, Facts, str] | None:
    """The first that finds one of its files and has no reason to step aside; with its facts and that file."""
    for buildpack in buildpacks.values():
        file = first_match(buildpack.detect, files)
        if file is None:
            continue
        facts = find_facts(buildpack.facts, files, read)
        if buildpack.unless and holds(buildpack.unless, facts):
            continue
        return buildpack, facts, file
    return None


def _conditions(buildpack: Buildpack) -> Iterator[tuple[str, Condition]]:
    yield "unless", buildpack.unless
    yield "version.asks", buildpack.version.asks if buildpack.version else []
    for base in buildpack.base:
        yield f"base {base.role}", base.when
    for process in buildpack.process:
        yield f"process {process.type}", process.when
    for note in (*buildpack.refuse, *buildpack.warn):
        yield f"note {note.say[:20]!r}", note.when


def _check_names(name: str, place: str, condition: Condition, known: set[str]) -> None:
    for item in condition:
        for fact in item.split("|"):
            if fact.removeprefix("!") not in known:
                raise _broken(
                    name, f"{place} needs the fact {fact.removeprefix('!')!r}, which is not declared above it"
                )


def _broken(name: str, reason: str) -> BuildError:
    return BuildError(f"buildpacks/{name}/buildpack.toml: {reason}", "docs/buildpacks.md explains it", code="buildpack")
