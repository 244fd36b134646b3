"""apps:* as people type it."""

from __future__ import annotations

import json

import pytest

from paas.model import Event, Job, select
from tests.commands.world import World


def test_a_member_creates_an_app_and_owns_it(world: World) -> None:
    code, screen = world.type(world.member, "apps:create blog")
    assert (code, screen.out) == (0, "-----> Creating blog... done\n")
    assert world.type(world.member, "apps:list --quiet")[1].out == "blog\n"
    assert world.type(world.member, "access:list blog --format json")[1].out == '[{"user": "ben", "level": "own"}]\n'
    assert world.line.rings == 1


def test_the_list_has_a_heading_unless_quiet(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    assert small_world.type(small_world.admin, "apps:list")[1].out == "=====> My Apps\nblog\n"
    assert small_world.type(small_world.admin, "--quiet apps:list")[1].out == "blog\n"
    listed = json.loads(small_world.type(small_world.admin, "--format json apps:list")[1].out)
    assert listed == [
        {
            "name": "blog", "status": "Never deployed", "release": None, "url": "http://blog.example.com",
            "commit": None, "locked": False, "deployed_at": None,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["", "..", "app;id", "a" * 64, "Blog", "blоg", "blog\n", "paas", "demo", "-x", "x-", "a_b", "a.b", "a b", "１"],
)
def test_a_bad_name_is_one_clear_line_and_changes_nothing(small_world: World, name: str) -> None:
    code, screen = small_world.type(small_world.admin, ["apps:create", name])
    assert code != 0
    assert "[app-name]" in screen.err or "[usage]" in screen.err
    assert "Traceback" not in screen.err
    assert small_world.type(small_world.admin, "apps:list --quiet")[1].out == ""


def test_a_taken_name_is_refused(world: World) -> None:
    world.type(world.member, "apps:create blog")
    code, screen = world.type(world.stranger, "apps:create blog")
    assert code == 1
    assert "Name is already taken: blog  [app-exists]" in screen.err


def test_not_yours_and_not_there_read_the_same(world: World) -> None:
    world.type(world.member, "apps:create blog")
    for command in ("apps:info", "config:show", "logs", "ps:report", "urls", "apps:exists", "rollback", "run"):
        mine = world.type(world.stranger, f"{command} blog x" if command == "run" else f"{command} blog")
        none = world.type(world.stranger, f"{command} blag x" if command == "run" else f"{command} blag")
        assert mine[0] == none[0] == 20
        assert mine[1].err == none[1].err.replace("blag", "blog")


@pytest.mark.parametrize(("level", "allowed"), [("view", False), ("deploy", False), ("operate", False), ("own", True)])
def test_only_an_owner_destroys(small_world: World, level: str, allowed: bool) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.grant(small_world.member, "blog", level)
    with small_world.on.database.read() as session:
        before = len(list(session.scalars(select(Job).where(Job.kind == "destroy"))))
    if allowed:
        small_world.call(small_world.member, "apps:destroy", app="blog")
    else:
        code, screen = small_world.type(small_world.member, "apps:destroy blog --force")
        assert code == 1 and "[forbidden]" in screen.err
    with small_world.on.database.read() as session:
        assert len(list(session.scalars(select(Job).where(Job.kind == "destroy")))) - before == int(allowed)


def test_destroying_asks_for_the_name(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    code, screen = small_world.type(small_world.admin, "apps:destroy blog", stdin="blag\n")
    assert code == 1 and "[unconfirmed]" in screen.err
    with small_world.on.database.read() as session:
        assert session.scalar(select(Job).where(Job.kind == "destroy")) is None


def test_renaming_keeps_the_id_and_frees_the_name(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    before = world.app("blog").id
    world.call(world.admin, "apps:rename", app="blog", name="journal")
    assert world.app("journal").id == before
    assert world.type(world.admin, "apps:create blog")[0] == 0


def test_a_lock_is_seen_by_its_exit_code(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    assert small_world.type(small_world.admin, "apps:locked blog")[0] == 1
    assert small_world.type(small_world.admin, "apps:lock blog")[1].out == "-----> Deploy lock created\n"
    assert small_world.type(small_world.admin, "apps:locked blog")[0] == 0
    assert small_world.type(small_world.admin, "apps:report blog --app-locked")[1].out == "true\n"
    small_world.type(small_world.admin, "apps:unlock blog")
    assert small_world.type(small_world.admin, "apps:locked blog")[0] == 1


def test_the_app_may_be_named_by_a_flag(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    for line in ("--app blog apps:exists", "apps:exists --app blog", "apps:exists --app=blog", "apps:exists blog"):
        assert small_world.type(small_world.admin, line)[0] == 0
    assert small_world.type(small_world.admin, "apps:exists nope")[0] == 20


def test_every_change_leaves_an_audit_line_and_refusals_too(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.stranger, "apps:lock blog")
    with small_world.on.database.read() as session:
        events = [(event.actor, event.action, event.app_name, event.result) for event in session.scalars(select(Event))]
    assert events == [("ana", "apps:create", None, "ok"), ("cleo", "apps:lock", "blog", "app-not-found")]
