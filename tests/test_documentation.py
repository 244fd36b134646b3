"""What is not documented does not exist: settings, commands, versions and the pages that are made from code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import paas
from docs.generate import PAGES
from paas.commands.catalog import REGISTRY
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


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"])
def test_links_between_pages_lead_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_readme_begins_with_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert "git clone" in text and "deploy/quickstart" in text


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_says_what_would_change_our_mind(record):
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", record.stem)
    assert "What would change our mind" in record.read_text()
