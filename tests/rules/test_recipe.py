"""What an image needs to be run survives its columns, and processes are found in the right order."""

from __future__ import annotations

import json

import pytest

from paas.errors import BuildError
from paas.rules.manifest import HealthCheck, Manifest, WantedVariable, parse_manifest
from paas.rules.procfile import Procfile
from paas.rules.recipe import (
    Recipe,
    check_runnable,
    choose_processes,
    read_recipe,
    unknown_processes,
    unset_variables,
    write_manifest,
)

APP_JSON = b"""{"env": {"A": {"value": "1"}}, "formation": {"web": {"quantity": 2}},
"scripts": {"postdeploy": "seed"}, "healthchecks": {"web": [{"type": "startup", "path": "/up", "timeout": 3}]}}"""


def test_a_recipe_comes_back_from_its_columns() -> None:
    recipe = Recipe({"web": "serve", "clock": None}, "migrate", parse_manifest(APP_JSON))
    stored = json.loads(json.dumps(write_manifest(recipe)))
    back = read_recipe(recipe.processes, stored)
    assert back == recipe
    assert back.manifest.checks["web"] == (HealthCheck(path="/up", timeout=3),)


def test_nothing_stored_is_an_empty_recipe() -> None:
    assert read_recipe({"web": None}, {}) == Recipe({"web": None})


@pytest.mark.parametrize(
    ("procfile", "defaults", "chosen"),
    [
        (Procfile({"web": "a"}), {"web": "b"}, {"web": "a"}),
        (None, {"web": "b"}, {"web": "b"}),
        (Procfile({}, "migrate"), {"web": "b"}, {"web": "b"}),
        (None, {}, {"web": None}),
    ],
)
def test_a_procfile_counts_before_defaults_before_the_images_command(
    procfile: Procfile | None, defaults: dict[str, str], chosen: dict[str, str | None]
) -> None:
    assert choose_processes(procfile, defaults) == chosen


def test_an_image_that_says_not_what_it_runs_is_refused() -> None:
    check_runnable({"web": "serve"}, has_command=False)
    check_runnable({"web": None}, has_command=True)
    with pytest.raises(BuildError, match="neither ENTRYPOINT nor CMD"):
        check_runnable({"web": None}, has_command=False)


def test_what_app_json_says_of_a_process_that_there_is_not_is_found() -> None:
    manifest = Manifest(formation={"web": 2, "wroker": 1}, checks={"web": (), "clock": ()})
    assert unknown_processes(Recipe({"web": "serve"}, manifest=manifest)) == ["formation.wroker", "healthchecks.clock"]


def test_plain_values_of_app_json_count_at_the_first_deploy_only() -> None:
    variables = {"A": WantedVariable("1"), "B": WantedVariable(None, is_generated=True)}
    assert set(unset_variables(variables, is_first=True)) == {"A", "B"}
    assert set(unset_variables(variables, is_first=False)) == {"B"}


def test_manifests_have_defaults() -> None:
    assert Recipe({}).manifest == Manifest()
