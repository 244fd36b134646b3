from __future__ import annotations

from pathlib import Path

import crossplane
import pytest

from paas.adapters.nginx import TEMPLATES
from paas.adapters.nginx_config import (
    Certificate,
    Files,
    NginxConfig,
    number_file,
    read_certificate,
    site_file,
    worker_group,
)
from paas.errors import UnavailableError
from paas.ports import Site
from paas.settings import Settings

BLOG = Site(
    "bbbbbbbb", "blog", ("blog.example.com", "*.blog.org"), ("10.208.0.2:5000", "10.208.0.3:5000"), "live", 1000
)
PLAIN = Certificate({}, ())
WILDCARD = Certificate({}, ("*.example.com",))


@pytest.fixture
def config(tmp_path: Path) -> NginxConfig:
    return NginxConfig(Settings(home=tmp_path, domain="example.com", https_port=8443), TEMPLATES)


def write(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / "nginx.conf"


@pytest.mark.parametrize("certificate", [PLAIN, WILDCARD])
def test_everything_parses_as_a_configuration_of_nginx(
    config: NginxConfig, tmp_path: Path, certificate: Certificate
) -> None:
    stopped = Site("aaaaaaaa", "shop", ("shop.example.com",), (), "stopped", 1000)
    sites = {site_file(site): config.site(certificate, site) for site in (BLOG, stopped)}
    root = write(tmp_path, config.base(certificate, ()) | number_file(7) | sites)
    parsed = crossplane.parse(str(root))
    assert parsed["status"] == "ok", parsed["errors"]


def test_http2_stands_on_tls_lines_only(config: NginxConfig) -> None:
    base = config.base(WILDCARD, ())
    assert base["listen-http.conf"] == b"listen 0.0.0.0:80;\n"
    assert base["listen-https.conf"] == b"listen 0.0.0.0:8443 ssl http2;\n"


def test_all_addresses_of_both_families_are_two_sockets(config: NginxConfig, tmp_path: Path) -> None:
    both = NginxConfig(Settings(home=tmp_path, bind="::", http_port=80), TEMPLATES).base(WILDCARD, ())
    assert both["listen-http.conf"] == b"listen 0.0.0.0:80;\nlisten [::]:80;\n"
    assert b"    listen [::]:443 ssl http2 default_server backlog=4096;\n" in both["default.conf"]


def test_covered_hosts_are_served_on_https_and_the_rest_on_http(config: NginxConfig) -> None:
    text = config.site(WILDCARD, BLOG).decode()
    late, plain, redirect, secure = text.split("\nserver {")[1:]
    assert "server_name blog.example.com *.blog.org;" in late
    assert "server_name *.blog.org;" in plain
    assert "proxy_pass" in plain
    assert "server_name blog.example.com;" in redirect
    assert "return 301 https://$host:8443$request_uri;" in redirect
    assert "include listen-https.conf;" in secure
    assert "server_name blog.example.com;" in secure


def test_of_a_covered_wildcard_only_what_the_certificate_vouches_for_is_sent_to_https(config: NginxConfig) -> None:
    text = config.site(WILDCARD, Site("bbbbbbbb", "blog", ("blog.example.com", "*.example.com"), (), "stopped", 1))
    _late, exact, wide, secure = text.decode().split("\nserver {")[1:]
    assert "server_name blog.example.com;" in exact
    assert "server_name *.example.com;" in wide
    assert 'if ($host ~ "^[^.]+[.]example[.]com$") {' in wide
    assert "return 301 https://$host:8443$request_uri;" in wide and "return 503;" in wide
    assert "server_name blog.example.com *.example.com;" in secure


def test_a_live_site_without_backends_shows_a_page(config: NginxConfig) -> None:
    assert b"/.paas-pages/unhealthy.html" in config.site(PLAIN, Site("bbbbbbbb", "blog", ("a.b",), (), "live", 1))


@pytest.mark.parametrize(
    "site",
    [
        Site("bbbbbbbb", "blog", ("a.com; location / {}",), (), "stopped", 1),
        Site("bbbbbbbb", "blog", ("~^.*$",), (), "stopped", 1),
        Site("bbbbbbbb", "blog", ("a.com b.com",), (), "stopped", 1),
        Site("bbbbbbbb", "blog", ("a.com\n",), (), "stopped", 1),
        Site("bbbbbbbb", "blog", ("a.com",), ("10.208.0.2:5000; }",), "live", 1),
        Site("bbbbbbbb", "blog", ("a.com",), ("$host",), "live", 1),
        Site("bbbbbbbb", 'b"log', ("a.com",), (), "stopped", 1),
        Site("bbbbbbbb", "blog\n}", ("a.com",), (), "stopped", 1),
        Site("bbbbbbbb", "#blog", ("a.com",), (), "stopped", 1),
    ],
)
def test_what_could_end_a_directive_is_refused(config: NginxConfig, site: Site) -> None:
    with pytest.raises(ValueError, match="does not belong into a configuration"):
        config.site(PLAIN, site)


def test_pages_are_whole_in_themselves(config: NginxConfig) -> None:
    pages = {name: text.decode() for name, text in config.base(PLAIN, ()).items() if name.startswith("pages/")}
    assert len(pages) == 10
    for name, text in pages.items():
        assert "prefers-color-scheme: dark" in text, name
        assert not any(word in text for word in ("<script", "<link", "src=", "url(", "//")), name
        assert "{%" not in text, name


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    for certificate in ("missing.pem", "cert.pem"):
        settings = Settings(home=tmp_path, tls_cert=tmp_path / certificate, tls_key=tmp_path / "cert.pem")
        with pytest.raises(UnavailableError, match="certificate cannot be used"):
            read_certificate(settings)
    assert read_certificate(Settings(home=tmp_path)) == PLAIN


def test_a_missing_user_of_the_system_is_named() -> None:
    with pytest.raises(UnavailableError, match="nobody-has-this"):
        worker_group("nobody-has-this")
