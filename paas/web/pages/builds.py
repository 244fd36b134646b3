"""One build: its phases with their seconds on the left, its log as it grows on the right."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from paas.commands.call import call
from paas.commands.follow import log_so_far
from paas.context import Context, Platform
from paas.web.ansi import pieces
from paas.web.answers import text_stream
from paas.web.pages.frame import for_people, page
from paas.web.pages.rights import refusals
from paas.web.streams import build_stream

SHOWN, MOST_LINES = 24_000, 400  # bytes and lines of log that the page itself holds: a page has at most 100 kB


def register(pages: Blueprint, on: Platform) -> None:
    people = for_people(on)

    @pages.get("/apps/<app>/builds/<build>", endpoint="build")
    @people
    def show(ctx: Context, app: str, build: str) -> Response:
        view = call("builds:info", ctx, {"app": app, "build": build})
        log = log_so_far(ctx.on, view.id, SHOWN)
        facts: dict[str, Any] = {
            "app": call("apps:info", ctx, {"app": app}),
            "build": view,
            "is_going_on": view.state in ("queued", "running"),
            "may_be_cancelled": view.kind not in ("route", "destroy") and not refusals(ctx, app)("builds:cancel"),
            "log_end": log.end,
            "first_line": log.first + max(0, len(log.lines) - MOST_LINES),
            "lines": [pieces(line) for line in log.lines[-MOST_LINES:]],
        }
        return page(ctx, "build.html", **facts)

    @pages.get("/apps/<app>/builds/<build>/stream", endpoint="build_stream")
    @people
    def stream(ctx: Context, app: str, build: str) -> Response:
        return build_stream(ctx, app, build, pieces)

    @pages.get("/apps/<app>/builds/<build>/log", endpoint="build_log")
    @people
    def log(ctx: Context, app: str, build: str) -> Response:
        return text_stream(call("builds:output", ctx, {"app": app, "build": build}))
