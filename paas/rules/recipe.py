"""What does an image need to be run? Its processes, its release task and what app.json asks for: kept with it as JSON.

A Procfile names the processes; without one the buildpack's defaults count, else the image's own CMD is the web process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from paas.errors import BuildError
from paas.rules.formation import WEB
from paas.rules.manifest import Manifest, WantedVariable
from paas.rules.procfile import Procfile

_MANIFEST = TypeAdapter(Manifest)


@dataclass(frozen=True)
class Recipe:
    """`processes`: type -> line; None: the image's own CMD. `release_task`: the Procfile's `release:` line."""

    processes: Mapping[str, str | None]
    release_task: str | None = None
    manifest: Manifest = field(default_factory=Manifest)


def write_manifest(recipe: Recipe) -> dict[str, Any]:
    """The column `manifest` of images and releases: app.json as it was read, and the release task."""
    return {**_MANIFEST.dump_python(recipe.manifest, mode="json"), "release_task": recipe.release_task}


def read_recipe(processes: Mapping[str, Any], manifest: Mapping[str, Any]) -> Recipe:
    """From the columns `processes` and `manifest` of a release or an image."""
    return Recipe(dict(processes), manifest.get("release_task"), _MANIFEST.validate_python(manifest))


def choose_processes(procfile: Procfile | None, defaults: Mapping[str, str]) -> dict[str, str | None]:
    """defaults: what the buildpack found."""
    if procfile is not None and procfile.processes:
        return dict(procfile.processes)
    return dict(defaults) or {WEB: None}


def check_runnable(processes: Mapping[str, str | None], has_command: bool) -> None:
    """Raise BuildError (code `no-command`) when the image's own CMD is to run and there is none."""
    if not has_command and None in processes.values():
        raise BuildError(
            "The image says not what it runs: it has neither ENTRYPOINT nor CMD, and there is no Procfile",
            "add CMD to the Dockerfile, or a Procfile with the line web: COMMAND",
            code="no-command",
        )


def unknown_processes(recipe: Recipe) -> list[str]:
    """Places of app.json that speak of a process that there is not: "formation.wroker"."""
    return [
        f"{place}.{process_type}"
        for place, named in (("formation", recipe.manifest.formation), ("healthchecks", recipe.manifest.checks))
        for process_type in named
        if process_type not in recipe.processes
    ]


def unset_variables(variables: Mapping[str, WantedVariable], *, is_first: bool) -> dict[str, WantedVariable]:
    """Those that app.json may still give: its plain values count at the first deploy only (a person may unset them)."""
    return {name: wanted for name, wanted in variables.items() if is_first or wanted.value is None}
