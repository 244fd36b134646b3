"""Nginx masters for the tests of the adapter: one for all, one of its own per test, one with a certificate."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from paas.adapters.nginx import Nginx
from paas.ports import Sites
from paas.settings import Settings
from tests.adapters.nginx_world import App, nginx_home, running_app


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with nginx_home() as made:
        yield made


@pytest.fixture(scope="module")
def nginx(settings: Settings) -> Nginx:
    made = Nginx(settings)
    made.start()
    return made


@pytest.fixture(scope="module")
def blog() -> Iterator[App]:
    with running_app("blog") as app:
        yield app


@pytest.fixture
def home() -> Iterator[Settings]:
    """For one test alone."""
    with nginx_home() as made:
        yield made


@pytest.fixture
def own(home: Settings) -> Nginx:
    """The nginx of `home`."""
    made = Nginx(home)
    made.start()
    return made


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings with a certificate for example.com and *.example.com."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=example.com"
    names = "subjectAltName=DNS:*.example.com,DNS:example.com"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), "-addext", names, *files], check=True, capture_output=True)
    with nginx_home(domain="example.com", tls_cert=certificate, tls_key=key) as made:
        yield made


@pytest.fixture(scope="module")
def served(secure: Settings, blog: App) -> Settings:
    """`secure`, with a running nginx and one app."""
    nginx = Nginx(secure)
    nginx.start()
    nginx.apply(Sites((blog.site("blog.example.com", "www.custom.org"),)))
    return secure
