from __future__ import annotations

from dataclasses import replace

import pytest

from paas.rules.routes import Front, RoutedApp, choose_sites, hosts_of, site_state

BASES = ("example.com", "example.net")
BLOG = RoutedApp(
    "bbbbbbbb", "blog", ("www.blog.org",), True, False, (Front("10.208.0.2", 5000), Front("10.208.0.3", 80)), 7
)
SHOP = RoutedApp("aaaaaaaa", "shop", (), False, False, (), 8)


def test_an_app_answers_at_its_default_hosts_and_its_domains() -> None:
    assert hosts_of(BLOG, BASES) == ("blog.example.com", "blog.example.net", "www.blog.org")
    assert hosts_of(replace(BLOG, has_default_hosts=False), BASES) == ("www.blog.org",)


def test_a_domain_that_is_a_default_host_too_is_named_once() -> None:
    assert hosts_of(replace(BLOG, domains=("blog.example.com",)), BASES[:1]) == ("blog.example.com",)


@pytest.mark.parametrize(
    ("is_deployed", "is_stopped", "fronts", "state"),
    [
        (False, False, (), "never-deployed"),
        (False, True, (), "never-deployed"),
        (True, True, (), "stopped"),
        (True, True, BLOG.fronts, "stopped"),
        (True, False, (), "unhealthy"),
        (True, False, BLOG.fronts, "live"),
    ],
)
def test_the_state_says_why_there_is_nothing_to_speak_to(
    is_deployed: bool, is_stopped: bool, fronts: tuple[Front, ...], state: str
) -> None:
    assert site_state(replace(BLOG, is_deployed=is_deployed, is_stopped=is_stopped, fronts=fronts)) == state


def test_backends_are_the_fronts_of_a_live_app() -> None:
    live, stopped = (choose_sites([app], BASES).sites[0] for app in (BLOG, replace(BLOG, is_stopped=True)))
    assert live.backends == ("10.208.0.2:5000", "10.208.0.3:80")
    assert (stopped.backends, stopped.state) == ((), "stopped")
    assert live.upload_limit == 7


def test_equal_facts_in_any_order_give_equal_sites() -> None:
    assert choose_sites([BLOG, SHOP], BASES) == choose_sites([SHOP, BLOG], BASES)
    assert [site.app_name for site in choose_sites([BLOG, SHOP], BASES).sites] == ["shop", "blog"]


def test_a_host_goes_to_the_app_whose_default_it_is_else_to_the_first() -> None:
    thief = replace(SHOP, domains=("blog.example.com", "www.blog.org"))
    shop, blog = choose_sites([BLOG, thief], BASES).sites
    assert blog.hosts == ("blog.example.com", "blog.example.net")
    assert shop.hosts == ("shop.example.com", "shop.example.net", "www.blog.org")


def test_nobody_gets_the_dashboards_hosts() -> None:
    sites = choose_sites([replace(BLOG, domains=("paas.example.com",))], BASES)
    assert "paas.example.com" not in sites.sites[0].hosts
    assert sites.dashboard_hosts == ("paas.example.com", "paas.example.net")


def test_an_app_without_a_host_has_no_site() -> None:
    assert choose_sites([replace(BLOG, domains=(), has_default_hosts=False)], BASES).sites == ()
