"""What tests stand on: a database of each kind, empty folders, and the fakes."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from paas.model import Base, Database

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "")  # set by tests/run; a server where databases may be made


@contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of an empty database, which is dropped in the end."""
    from sqlalchemy import create_engine, text

    if not POSTGRES_URL:
        pytest.fail("no PostgreSQL server: tests/run PATH starts one and sets TEST_POSTGRES_URL")
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = create_engine(POSTGRES_URL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield POSTGRES_URL.rsplit("/", 1)[0] + "/" + name
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with all tables, once on SQLite and once on PostgreSQL."""
    if request.param == "postgresql":
        with postgres_database() as url, closing(Database(url)) as made:
            Base.metadata.create_all(made.engine)
            yield made
        return
    made = Database(f"sqlite:///{tmp_path / 'paas.db'}")
    Base.metadata.create_all(made.engine)
    yield made
    made.close()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database, where the kind of database does not matter."""
    made = Database(f"sqlite:///{tmp_path / 'paas.db'}")
    Base.metadata.create_all(made.engine)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests never read this machine's own installation."""
    for name in list(os.environ):
        if name.startswith("PAAS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PAAS_CONFIG", "/nonexistent/paas.toml")


def git(*words: str, cwd: Path) -> str:
    """Run git quietly in a folder, as a person with no configuration of their own."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "GIT_AUTHOR_NAME": "Ana",
        "GIT_AUTHOR_EMAIL": "ana@example.com",
        "GIT_COMMITTER_NAME": "Ana",
        "GIT_COMMITTER_EMAIL": "ana@example.com",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    return subprocess.run(["git", *words], cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless; one for all tests, for there is one such loop in a thread."""
    hosts = "MAP *.localhost 127.0.0.1, MAP *.example.com 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", f"--host-resolver-rules={hosts}"]
        )
        yield browser
        browser.close()
