"""One build: its phases with their seconds on the left, its log as it grows on the right."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from paas.commands.call import app_for, call
from paas.commands.follow import log_so_far
from paas.commands.present import harmless_log
from paas.context import Context, Platform
from paas.web.pages.frame import for_people, page
from paas.web.streams import build_stream

SHOWN = 2_000_000  # bytes of log that a page holds; builds:output gives all of it


def register(pages: Blueprint, on: Platform) -> None:
    people = for_people(on)

    @pages.get("/apps/<app>/builds/<build>", endpoint="build")
    @people
    def show(ctx: Context, app: str, build: str) -> Response:
        view = call("builds:info", ctx, {"app": app, "build": build})
        text, offset = log_so_far(ctx.on, view.id, SHOWN)
        lines = [harmless_log(line) for line in text.splitlines()]
        facts = call("apps:info", ctx, {"app": app})
        return page(ctx, "build.html", app=facts, build=view, lines=lines, offset=offset)

    @pages.get("/apps/<app>/builds/<build>/stream", endpoint="build_stream")
    @people
    def stream(ctx: Context, app: str, build: str) -> Response:
        return build_stream(ctx, app_for(ctx, app, "view"), build)
