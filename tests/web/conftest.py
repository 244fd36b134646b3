from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from paas.model import Database
from tests.web.world import WebWorld


@pytest.fixture
def world(sqlite_database: Database) -> WebWorld:
    """The dashboard at http://paas.example.com."""
    return WebWorld(sqlite_database)


RULES = "--host-resolver-rules=MAP *.example.com 127.0.0.1"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", RULES])
        yield browser
        browser.close()
