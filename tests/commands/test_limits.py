"""ps:set, nginx:* and checks:*: what an app may have otherwise than the rest, as people type it."""

from __future__ import annotations

import pytest

from paas.model import Job, select
from tests.commands.world import World


@pytest.fixture
def blog(small_world: World) -> World:
    small_world.type(small_world.admin, "apps:create blog")
    return small_world


def test_the_largest_upload_is_set_shown_and_unset_through_the_route_job(blog: World) -> None:
    blog.call(blog.admin, "nginx:set", app="blog", key="client-max-body-size", value="50m")
    assert blog.app("blog").proxy_settings == {"upload-limit": 50 * 1024**2}
    shown = blog.type(blog.admin, "nginx:report blog")[1].out.splitlines()
    assert shown[0] == "=====> blog nginx information"
    assert [line.split() for line in shown[1:]] == [
        ["Nginx", "client", "max", "body", "size:", "50m"],
        ["Nginx", "computed", "client", "max", "body", "size:", "50m"],
        ["Nginx", "global", "client", "max", "body", "size:", "100000000"],
    ]
    blog.call(blog.admin, "nginx:set", app="blog", key="client-max-body-size")
    assert blog.app("blog").proxy_settings == {}
    assert blog.type(blog.admin, "nginx:report blog --nginx-computed-client-max-body-size")[1].out == "100000000\n"
    with blog.on.database.read() as session:
        assert [job.kind for job in session.scalars(select(Job))] == ["route"] * 3


def test_a_hidden_app_stays_hidden_when_its_upload_limit_changes(blog: World) -> None:
    blog.call(blog.admin, "domains:disable", app="blog")
    blog.call(blog.admin, "nginx:set", app="blog", key="client-max-body-size", value="1m")
    assert blog.app("blog").proxy_settings == {"hidden": True, "upload-limit": 1024**2}


@pytest.mark.parametrize("value", ["0", "-1", "50mb", "1m; deny all", "1m;}", "$host", "1m\n", "100g", "5O m"])
def test_what_is_no_size_never_comes_near_nginx(blog: World, value: str) -> None:
    code, screen = blog.type(blog.admin, ["nginx:set", "blog", "client-max-body-size", value])
    assert (code == 1 and "[size]" in screen.err) or "[usage]" in screen.err
    assert blog.app("blog").proxy_settings == {}


def test_the_time_to_stop_and_to_drain_are_set_shown_and_unset(blog: World) -> None:
    assert blog.type(blog.admin, "ps:set blog stop-timeout-seconds 60")[0] == 0
    assert blog.type(blog.admin, "checks:set blog wait-to-retire 120")[0] == 0
    assert blog.app("blog").process_settings == {"stop-timeout": 60, "drain-timeout": 120}
    assert blog.type(blog.admin, "ps:report blog --ps-stop-timeout-seconds")[1].out == "60\n"
    assert [line.split()[-1] for line in blog.type(blog.admin, "checks:report blog")[1].out.splitlines()[3:]] == [
        "120", "30", "120",
    ]  # fmt: skip
    assert blog.type(blog.admin, "ps:set blog stop-timeout")[0] == 0
    assert blog.type(blog.admin, "checks:set blog wait-to-retire")[0] == 0
    assert blog.app("blog").process_settings == {}
    assert blog.type(blog.admin, "checks:report blog --checks-computed-wait-to-retire")[1].out == "30\n"


@pytest.mark.parametrize(
    "line",
    [
        "ps:set blog stop-timeout-seconds 601", "ps:set blog stop-timeout-seconds 1h", "ps:set blog restart-policy no",
        "ps:set blog restart-policy on-failure:20", "ps:set blog procfile-path x",
        "checks:set blog wait-to-retire 3601", "checks:set blog nosuch 1", "nginx:set blog hsts true",
        "nginx:set --global client-max-body-size 1m",
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_one_clear_line(blog: World, line: str) -> None:
    code, screen = blog.type(blog.admin, line)
    assert code == 1 and screen.err.count("\n") <= 2 and "[" in screen.err
    assert blog.app("blog").process_settings == {}


def test_the_restart_policy_that_is_kept_anyway_may_be_asked_for(blog: World) -> None:
    assert blog.type(blog.admin, "ps:set blog restart-policy always")[0] == 0
    assert blog.type(blog.admin, "ps:report blog --ps-restart-policy")[1].out == "unless-stopped\n"


@pytest.mark.parametrize(
    "line",
    ["ps:set blog stop-timeout 5", "nginx:set blog client-max-body-size 5m", "checks:set blog wait-to-retire 5"],
)
def test_limits_are_for_those_who_operate_the_app(blog: World, line: str) -> None:
    blog.grant(blog.member, "blog", "deploy")
    assert "[forbidden]" in blog.type(blog.member, line)[1].err
    assert blog.type(blog.stranger, line)[0] == 20
    assert blog.type(blog.member, "nginx:report blog")[0] == blog.type(blog.member, "checks:report blog")[0] == 0
