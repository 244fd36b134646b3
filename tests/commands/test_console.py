"""Words at a terminal: help, suggestions, formats, and one clear line for everything wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paas.commands.catalog import REGISTRY
from tests.commands.world import World


def test_help_lists_every_command_for_administrators(small_world: World) -> None:
    shown = small_world.type(small_world.admin, "help")[1].out
    assert all(f"  {name} " in shown for name in REGISTRY)
    assert "users:add" not in small_world.type(small_world.member, "help")[1].out


@pytest.mark.parametrize("line", ["help apps:create", "apps:create --help", "apps:help", "help ps"])
def test_help_tells_about_one_command_or_topic(small_world: World, line: str) -> None:
    code, screen = small_world.type(small_world.admin, line)
    assert code == 0 and screen.out.strip()


@pytest.mark.parametrize(
    ("typed", "meant"), [("apps:crate", "apps:create"), ("config:sett", "config:set"), ("aps", "apps")]
)
def test_a_typo_gets_a_suggestion(small_world: World, typed: str, meant: str) -> None:
    code, screen = small_world.type(small_world.admin, typed)
    assert code == 1 and f"{meant}" in screen.err and "[unknown-command]" in screen.err


@pytest.mark.parametrize(
    "line", ["apps:create", "apps:create a b", "apps:list --nope", "--format xml apps:list", "--nope"]
)
def test_wrong_words_are_said_in_one_line_with_a_hint(small_world: World, line: str) -> None:
    code, screen = small_world.type(small_world.admin, line)
    assert code == 1 and "[usage]" in screen.err and screen.err.count("\n") <= 2


def test_errors_are_json_where_json_was_asked_for(small_world: World) -> None:
    screen = small_world.type(small_world.admin, "--format json apps:info nope")[1]
    assert json.loads(screen.err)["code"] == "app-not-found"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(set(REGISTRY) - {"logs", "builds:output"})),
    words=st.lists(
        st.text(max_size=12) | st.sampled_from(["blog", "--force", "--app", "-n", "--format", "json"]), max_size=4
    ),
)
def test_no_words_bring_a_command_down(small_world: World, name: str, words: list[str]) -> None:
    code, screen = small_world.type(small_world.stranger, [name, *words])
    assert isinstance(code, int) and "Traceback" not in screen.err


def test_every_command_has_help_examples_and_a_rule(small_world: World) -> None:
    for declared in REGISTRY.values():
        assert declared.summary.endswith("."), declared.name
        assert declared.examples, declared.name
        assert declared.allow in ("admin", "member", "self", "view", "deploy", "operate", "own"), declared.name
        needs_app = declared.allow in ("view", "deploy", "operate", "own")
        assert needs_app == (declared.app_parameter is not None) or declared.name == "events", declared.name


@pytest.mark.parametrize(
    ("line", "keeps_colours"),
    [
        ("apps:list", True),
        ("apps:list --format json", False),
        ("apps:list --quiet", False),
        ("--quiet apps:info x", False),
    ],
)
def test_what_a_program_reads_has_no_colours(small_world: World, line: str, keeps_colours: bool) -> None:
    screen = small_world.type(small_world.admin, line, colours=True)[1]
    assert screen.colours is keeps_colours
