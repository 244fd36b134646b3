from __future__ import annotations

import pytest

from paas.errors import BadInputError, ConflictError, ForbiddenError
from paas.rules.domains import (
    check_base_domain,
    check_domain,
    check_unclaimed,
    dashboard_hosts,
    default_hosts,
    is_covered,
    parse_domain,
)

BASES = ("example.com", "apps.example.net")
LONGEST = ".".join(["a" * 62, "a" * 61, "a" * 61, "b" * 63, "cd"])


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.example.org", "www.example.org"),
        ("WWW.Example.ORG", "www.example.org"),
        ("*.example.org", "*.example.org"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("intranet", "intranet"),
        ("1.2.3.4.example.org", "1.2.3.4.example.org"),
        ("1-2-3-4.sslip.io", "1-2-3-4.sslip.io"),
        (LONGEST, LONGEST),
        ("a" * 63 + ".org", "a" * 63 + ".org"),
    ],
)
def test_host_names_are_taken_in_lower_case(name: str, domain: str) -> None:
    assert parse_domain(name) == domain


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "*",
        "*.",
        "a.com; location / {}",
        "~^.*$",
        "a b.com",
        " a.com",
        "a.com\n",
        "a.com\r\nx",
        "a.com\0",
        "a.com.",
        ".a.com",
        "a..com",
        "-a.com",
        "a-.com",
        "a_b.com",
        "_dmarc.a.com",
        "www.*.com",
        "*a.com",
        "*.*.com",
        "https://a.com",
        "a.com:80",
        "a.com/x",
        "$host",
        "${host}.com",
        '"a.com"',
        "a.com,b.com",
        "1.2.3.4",
        "127.1",
        "[::1]",
        "::1",
        "münchen.de",
        "аpple.com",
        "Ｅxample.com",
        "\u212a.com",  # the Kelvin sign becomes an ASCII k in lower case
        "١.com",
        "a" * 64 + ".com",
        "x" + LONGEST,
    ],
)
def test_what_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        parse_domain(name)
    assert refusal.value.code == "domain"
    assert "\n" not in refusal.value.message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("a.com.", "dot at the end"),
        ("a_b.com", "underscores"),
        ("www.*.com", "whole first label"),
        ("https://a.com/", "no scheme"),
    ],
)
def test_a_refusal_says_what_would_do(name: str, hint: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        parse_domain(name)
    assert hint in refusal.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "blog.example.com",
        "www.blog.example.com",
        "*.blog.example.com",
        "blog.apps.example.net",
        "x.blog.apps.example.net",
        "www.example.org",
        "*.example.org",
        "notexample.com",
        "paas.example.org",
    ],
)
def test_an_app_gets_its_own_names_and_foreign_ones(name: str) -> None:
    assert check_domain(name, "blog", BASES, is_admin=False) == name


@pytest.mark.parametrize(
    "name",
    [
        "shop.example.com",
        "example.com",
        "*.example.com",
        "x.shop.example.com",
        "myblog.example.com",
        "shop.apps.example.net",
        "*.example.net",  # would match what is below apps.example.net
        "*.com",
    ],
)
def test_the_rest_below_and_around_a_base_domain_is_an_admins(name: str) -> None:
    with pytest.raises(ForbiddenError) as refusal:
        check_domain(name, "blog", BASES, is_admin=False)
    assert refusal.value.code == "domain-not-yours"
    assert check_domain(name, "blog", BASES, is_admin=True) == name


@pytest.mark.parametrize(
    "name",
    ["paas.example.com", "x.paas.example.com", "*.paas.example.com", "demo.apps.example.net", "*.demo.example.com"],
)
@pytest.mark.parametrize("is_admin", [True, False])
def test_the_platforms_own_names_are_nobodys(name: str, is_admin: bool) -> None:
    with pytest.raises(ForbiddenError) as refusal:
        check_domain(name.upper(), "blog", BASES, is_admin=is_admin)
    assert refusal.value.code == "domain-reserved"


def test_a_domain_in_use_is_refused_without_naming_the_other_app() -> None:
    with pytest.raises(ConflictError) as refusal:
        check_unclaimed("www.example.org", {"shop.example.com", "www.example.org"})
    assert refusal.value.code == "domain-taken"
    assert "shop" not in str(refusal.value)


def test_a_wildcard_beside_a_name_that_it_matches_is_no_clash() -> None:
    assert check_unclaimed("*.example.org", {"www.example.org"}) == "*.example.org"
    assert check_unclaimed("www.example.org", {"*.example.org"}) == "www.example.org"


def test_a_base_domain_is_a_host_name_and_no_wildcard() -> None:
    assert check_base_domain("Example.com") == "example.com"
    for name in ("*.example.com", "1.2.3.4", "a b"):
        with pytest.raises(BadInputError):
            check_base_domain(name)


def test_default_hosts_follow_the_base_domains() -> None:
    assert default_hosts("blog", BASES) == ("blog.example.com", "blog.apps.example.net")
    assert dashboard_hosts(BASES) == ("paas.example.com", "paas.apps.example.net")


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("example.com", True),
        ("blog.example.com", True),
        ("a.blog.example.com", False),
        ("*.example.com", True),
        ("*.blog.example.com", False),
        ("example.org", False),
        ("com", False),
    ],
)
def test_a_certificates_wildcard_stands_for_one_label(host: str, covered: bool) -> None:
    assert is_covered(host, ("Example.com", "*.example.com")) is covered


def test_a_host_without_a_dot_is_nobodys() -> None:
    with pytest.raises(BadInputError, match="has no dot"):
        check_domain("blog", "blog", ("example.com",), is_admin=True)
