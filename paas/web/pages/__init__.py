"""The pages of the dashboard: server-rendered, readable without JavaScript, each with a URL of its own."""

from __future__ import annotations

from flask import Blueprint

from paas.context import Platform
from paas.web.pages import actions, apps, assets, builds, keys, signin


def make_pages(on: Platform) -> Blueprint:
    """All pages, in one blueprint."""
    pages = Blueprint("pages", __name__, template_folder="../templates")
    for module in (assets, signin, apps, builds, keys, actions):
        module.register(pages, on)
    return pages
