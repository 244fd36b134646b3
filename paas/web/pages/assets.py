"""Where are the style, the script and the icons? At URLs with their hash, which browsers keep for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory, url_for

from paas.context import Platform
from paas.web.security import YEAR

STATIC = Path(__file__).resolve().parents[1] / "static"


@cache
def digest_of(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The URL of a static file as it is now."""
    return url_for("pages.asset", name=name, v=digest_of(name))


def register(pages: Blueprint, on: Platform) -> None:
    @pages.get("/assets/<name>", endpoint="asset")
    def show(name: str) -> Response:
        answer = send_from_directory(STATIC, name)
        is_current = request.args.get("v") == digest_of(name)
        answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if is_current else "no-cache"
        return answer
