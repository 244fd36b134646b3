"""domains:* as people type it."""

from __future__ import annotations

import json

import pytest

from tests.commands.world import World


def _hosts(world: World, app: str) -> list[str]:
    return world.type(world.admin, f"domains:report {app} --domains-app-vhosts")[1].out.split()


def _call(world: World, verb: str, *names: str, app: str = "blog") -> None:
    world.call(world.admin, f"domains:{verb}", app=app, **({"names": names} if names else {}))


def test_domains_are_added_removed_set_and_cleared(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    _call(world, "add", "www.example.org", "*.example.net")
    assert _hosts(world, "blog") == ["blog.example.com", "*.example.net", "www.example.org"]
    _call(world, "remove", "www.example.org")
    assert _hosts(world, "blog") == ["blog.example.com", "*.example.net"]
    _call(world, "set", "example.org")
    assert _hosts(world, "blog") == ["example.org"]
    _call(world, "clear")
    assert _hosts(world, "blog") == []
    _call(world, "add", "www.example.org")
    assert _hosts(world, "blog") == ["www.example.org"]
    _call(world, "reset")
    assert _hosts(world, "blog") == ["blog.example.com"]


def test_an_app_is_hidden_and_shown_again_with_all_its_names(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    _call(world, "add", "www.example.org")
    _call(world, "disable")
    assert world.type(world.admin, "domains:report blog --domains-app-enabled")[1].out == "false\n"
    assert world.type(world.admin, "urls blog")[1].out == ""
    assert world.type(world.admin, "url blog")[0] == 1
    world.type(world.admin, "apps:create shop")
    assert world.type(world.admin, "domains:add shop www.example.org")[1].err.count("[domain-taken]") == 1
    _call(world, "enable")
    assert world.type(world.admin, "domains:report blog --domains-app-enabled")[1].out == "true\n"
    assert world.type(world.admin, "urls blog")[1].out.splitlines() == [
        "http://blog.example.com",
        "http://www.example.org",
    ]


def test_the_default_host_may_be_taken_away_and_comes_back(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    _call(small_world, "remove", "blog.example.com")
    assert _hosts(small_world, "blog") == []
    _call(small_world, "add", "blog.example.com")
    assert _hosts(small_world, "blog") == ["blog.example.com"]


@pytest.mark.parametrize(
    "name", ["a.com; location / {}", "~^.*$", "a b.com", "a.com\n", "10.0.0.1", "a..b", "http://a.com", "a.com:80"]
)
def test_what_is_no_host_name_is_refused(small_world: World, name: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    code, screen = small_world.type(small_world.admin, ["domains:add", "blog", name])
    assert code == 1 and "[domain]" in screen.err
    assert _hosts(small_world, "blog") == ["blog.example.com"]


def test_another_apps_hosts_and_the_dashboards_are_refused(world: World) -> None:
    for app in ("blog", "shop"):
        world.type(world.admin, f"apps:create {app}")
    _call(world, "add", "www.example.org", app="shop")
    for name in ("www.example.org", "shop.example.com", "paas.example.com", "x.paas.example.com", "a.demo.example.com"):
        code, screen = world.type(world.admin, f"domains:add blog {name}")
        assert code == 1 and "[domain" in screen.err, name


def test_below_the_base_domain_a_member_gets_only_what_is_theirs(small_world: World) -> None:
    small_world.type(small_world.member, "apps:create blog")
    for name, fine in (("x.blog.example.com", True), ("other.example.com", False), ("*.example.com", False)):
        code, screen = small_world.type(small_world.member, f"domains:add blog {name}") if not fine else (0, None)
        if fine:
            small_world.call(small_world.member, "domains:add", app="blog", names=(name,))
        else:
            assert code == 1 and screen is not None and "[domain-not-yours]" in screen.err


def test_an_app_cannot_be_created_on_a_host_that_is_taken(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    _call(small_world, "add", "new.example.com")
    code, screen = small_world.type(small_world.member, "apps:create new")
    assert code == 1 and "[domain-taken]" in screen.err


def test_global_domains_give_every_app_a_host_below_each(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    world.call(world.admin, "domains:set-global", names=("example.com", "example.dev"))
    assert _hosts(world, "blog") == ["blog.example.com", "blog.example.dev"]
    report = json.loads(world.type(world.admin, "domains:report blog --format json")[1].out)
    assert report[0]["values"]["domains-global-vhosts"] == ["example.com", "example.dev"]
    assert world.type(world.member, "domains:set-global x.com")[0] == 1


def test_global_domains_are_added_and_removed_and_one_stays(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    world.call(world.admin, "domains:add-global", names=("example.dev",))
    assert _hosts(world, "blog") == ["blog.example.com", "blog.example.dev"]
    world.call(world.admin, "domains:remove-global", names=("Example.com",))
    assert _hosts(world, "blog") == ["blog.example.dev"]
    for name in ("example.dev", "nosuch.example"):
        code, screen = world.type(world.admin, f"domains:remove-global {name}")
        assert code == 1 and "[domain]" in screen.err
    shown = world.type(world.admin, "domains:report --global")[1].out.splitlines()
    assert shown[0] == "=====> Global domains information" and len(shown) == 3
    assert world.type(world.member, "domains:report --global --domains-global-vhosts")[1].out == "example.dev\n"
    for verb in ("add-global", "remove-global"):
        assert "[forbidden]" in world.type(world.member, f"domains:{verb} x.com")[1].err


def test_a_name_that_an_app_has_keeps_a_global_domain_away(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    _call(small_world, "add", "blog.example.dev")
    code, screen = small_world.type(small_world.admin, "domains:add-global example.dev")
    assert code == 1 and "[domain-taken]" in screen.err


@pytest.mark.parametrize("verb", ["clear", "reset", "enable", "disable"])
def test_who_may_only_look_changes_no_domains(small_world: World, verb: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.grant(small_world.member, "blog", "deploy")
    assert "[forbidden]" in small_world.type(small_world.member, f"domains:{verb} blog")[1].err
    assert small_world.type(small_world.stranger, f"domains:{verb} blog")[0] == 20
