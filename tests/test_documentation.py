"""What is not documented does not exist: settings, commands, versions and the pages that are made from code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import paas
from docs.generate import PAGES
from paas.commands.catalog import REGISTRY
from paas.commands.declare import find
from paas.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_code_is_the_code_s(name):
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), "run: make docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_means(name):
    description = Settings.model_fields[name].description
    assert description


@pytest.mark.parametrize("command", REGISTRY.values(), ids=lambda command: command.name)
def test_every_command_says_what_it_does_and_shows_how(command):
    assert len(command.summary) <= 120, "the first line of the docstring is the summary"
    assert command.examples, "add a line that begins with `$ `"


def test_the_version_is_the_same_everywhere():
    assert paas.__version__ == PROJECT["version"]


def test_the_changelog_tells_of_this_version_or_of_what_is_to_come():
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in ("Unreleased", PROJECT["version"])


PAGES_FOR_PEOPLE = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
OTHER_VARIABLES = {"PAAS_CONFIG", "PAAS_APP", "PAAS_PROCESS", "PAAS_RELEASE", "PAAS_CACHE_KEY", "PAAS_WORKER_CHILD"}


@pytest.mark.parametrize("page", PAGES_FOR_PEOPLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES_FOR_PEOPLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_settings_and_targets_that_a_page_names_are_there(page):
    text = page.read_text()
    for name in re.findall(r"paas@host ([a-z-]+(?::[a-z-]+)?)", text):
        assert name == "help" or find(name), name
    for name in re.findall(r"\bPAAS_[A-Z_]*[A-Z]\b", text):
        assert name in OTHER_VARIABLES or name.removeprefix("PAAS_").lower() in Settings.model_fields, name
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE):
        assert name in targets, name


def test_the_readme_has_what_a_stranger_looks_for():
    text = (ROOT / "README.md").read_text()
    for heading in ("Two commands", "Push your own app", "What happens on failure", "Settings", "Develop"):
        assert f"\n## {heading}\n" in text, heading
    assert "![The dashboard]" in text
    assert len(re.findall(r"^\d+\. ", text, re.MULTILINE)) == 10


def test_the_readme_begins_with_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert "git clone" in text and "deploy/quickstart" in text


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_says_what_would_change_our_mind(record):
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", record.stem)
    assert "What would change our mind" in record.read_text()
