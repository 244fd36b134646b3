"""How will a buildpack build this source? Version, base images, default processes, and what its Dockerfile is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paas.errors import BuildError
from paas.rules.buildpack import Buildpack, NoteRule, Origin
from paas.rules.buildpack_facts import Facts, holds
from paas.rules.versions import VersionChoice, VersionWish, choose_version

DOCKERFILE_PATH = ".paas/Dockerfile"  # in the build context, where no app has anything


@dataclass(frozen=True)
class BuildpackPlan:
    """`bases`: role -> name for Builder.base. `processes`: commands for an app without a Procfile."""

    buildpack: str
    bases: Mapping[str, str]
    processes: Mapping[str, str]
    facts: Mapping[str, object]
    lines: tuple[str, ...]  # for the log
    warnings: tuple[str, ...]


def plan_build(buildpack: Buildpack, facts: Facts, origin: Origin) -> BuildpackPlan:
    """Decide everything that can be decided before the base images are there.

    Raises BuildError: `buildpack-refused` for what the buildpack says it cannot build, `no-version`.
    """
    for note in buildpack.refuse:
        if holds(note.when, facts):
            raise BuildError(_fill(note.say, facts), _fill(note.hint, facts), code="buildpack-refused")
    choice = _choose(buildpack, facts, origin)
    version = choice.version if choice else ""
    processes: dict[str, str] = {}
    for process in buildpack.process:
        if process.type not in processes and "procfile" not in facts and holds(process.when, facts):
            processes[process.type] = _fill(process.command, facts)
    return BuildpackPlan(
        buildpack=buildpack.name,
        bases={base.role: base.name.format(version=version) for base in buildpack.base if holds(base.when, facts)},
        processes=processes,
        facts={
            "version": version,
            "caches": dict(buildpack.caches),
            **{name: facts[name].value if name in facts else None for name in ("procfile", *buildpack.facts)},
        },
        lines=_lines(buildpack.title, choice, processes),
        warnings=tuple(([choice.warning] if choice and choice.warning else []) + _notes(buildpack.warn, facts)),
    )


def template_facts(plan: BuildpackPlan, references: Mapping[str, str], secrets: Sequence[str]) -> dict[str, object]:
    """What a Dockerfile.j2 is rendered with.

    references: role -> reference of the base image. secrets: names of the build's secrets.
    """
    return {**plan.facts, "base": dict(references), "secrets": sorted(secrets)}


def _choose(buildpack: Buildpack, facts: Facts, origin: Origin) -> VersionChoice | None:
    rule = buildpack.version
    if rule is None:
        return None
    wish = next(
        (VersionWish(str(facts[ask].value), facts[ask].path) for ask in rule.asks if ask in facts), VersionWish()
    )
    return choose_version(
        buildpack.title, rule.scheme, wish, rule.available[origin], rule.default[origin], rule.aliases
    )


def _lines(title: str, choice: VersionChoice | None, processes: Mapping[str, str]) -> tuple[str, ...]:
    version = [f"{title} {choice.version} ({choice.reason})"] if choice else []
    return (*version, *(f"No Procfile: {kind} runs {command}" for kind, command in processes.items()))


def _notes(notes: Sequence[NoteRule], facts: Facts) -> list[str]:
    return [_fill(note.say, facts) for note in notes if holds(note.when, facts)]


def _fill(text: str, facts: Facts) -> str:
    """`{fact}` becomes the fact's value, the parts of a list joined with commas."""
    values = {
        name: ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)
        for name, fact in facts.items()
    }
    return text.format_map(values)
