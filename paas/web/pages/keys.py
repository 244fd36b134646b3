"""The caller's SSH keys."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from paas.commands.call import call
from paas.context import Context, Platform
from paas.web.pages.frame import for_people, page


def register(pages: Blueprint, on: Platform) -> None:
    @pages.get("/keys", endpoint="keys")
    @for_people(on)
    def keys(ctx: Context) -> Response:
        return page(ctx, "keys.html", keys=call("ssh-keys:list", ctx, {}))
