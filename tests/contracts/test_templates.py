"""What every Templates promises: asked of the fake and of real folders alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from paas.adapters.templates import BuildpackFolders
from paas.ports import Templates
from paas.rules.buildpack_plan import DOCKERFILE_PATH
from tests.fakes.templates import FakeTemplates

PACKS = {"zig": 'title = "Zig"', "ada": 'title = "Ada"'}


def _folders(folder: Path, packs: Mapping[str, str]) -> BuildpackFolders:
    (folder / "ORDER").write_text("\n".join(packs))
    for name, text in packs.items():
        (folder / name).mkdir()
        (folder / name / "buildpack.toml").write_text(text)
        (folder / name / "Dockerfile.j2").write_text(f"# {name} {{{{ colour }}}}\n")
    return BuildpackFolders(folder)


@pytest.fixture(params=["fake", "folders"])
def templates(request: pytest.FixtureRequest, tmp_path: Path) -> Templates:
    return FakeTemplates(PACKS) if request.param == "fake" else _folders(tmp_path, PACKS)


def test_definitions_come_in_their_order(templates: Templates) -> None:
    assert list(templates.buildpacks().items()) == list(PACKS.items())


def test_a_dockerfile_is_rendered_with_the_facts(templates: Templates) -> None:
    text = templates.render("ada", {"colour": "teal"})[DOCKERFILE_PATH].decode()
    assert "ada" in text and "teal" in text
