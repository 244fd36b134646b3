"""What do all pages share? The signed-in caller, the layout, and how moments and refusals read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from paas.context import Context, Platform
from paas.errors import PaasError
from paas.web.security import csrf_token
from paas.web.signin import session_secret, signed_in

STATIC = Path(__file__).resolve().parents[1] / "static"
ICONS = {
    "Running": "●", "Deploying": "◐", "Queued": "◌", "Unhealthy": "▲", "Crashed": "✕", "Stopped": "■",
    "Never deployed": "○", "Asleep": "☾", "Expired": "⌛",
    "succeeded": "●", "failed": "✕", "running": "◐", "queued": "◌", "cancelled": "■", "superseded": "□",
    "current": "●", "pending": "◐", "done": "●",
}  # fmt: skip
TONES = {
    "Running": "good", "succeeded": "good", "current": "good", "done": "good",
    "Deploying": "busy", "running": "busy", "Queued": "busy", "queued": "busy", "pending": "busy",
    "Crashed": "bad", "failed": "bad", "Unhealthy": "warn", "cancelled": "warn",
}  # fmt: skip
AGES = ((60, "s"), (3600, "min"), (86400, "h"), (86400 * 60, "d"))

View = Callable[..., AnyResponse | str]


def for_people(on: Platform) -> Callable[[View], View]:
    """Decorates a page: only for signed-in people, who are sent back here afterwards."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**path: str) -> AnyResponse | str:
            caller = signed_in(on, request)
            if caller is None:
                return redirect(url_for("pages.sign_in", next=request.full_path.rstrip("?")), 303)
            g.ctx = Context(on, caller)
            return view(g.ctx, **path)

        return guarded

    return decorate


def page(ctx: Context, template: str, status: int = 200, **facts: Any) -> Response:
    """Render a page of the dashboard; never cached, because it is this person's."""
    secret = session_secret(ctx.on, request)
    html = render_template(
        template,
        caller=ctx.caller,
        csrf=csrf_token(secret),
        here=request.path,
        asset=asset,
        ago=lambda moment: ago(moment, ctx.on.clock.now()),
        icon=lambda word: ICONS.get(word, "○"),
        tone=lambda word: TONES.get(word, "idle"),
        ssh=ssh_line(ctx),
        **facts,
    )
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def refusal(error: PaasError) -> Response:
    """A page that says no: what happened, and what to do."""
    html = render_template("refused.html", error=error, asset=asset, back=_local(request.referrer))
    return make_response(html, error.http_status)


def ssh_line(ctx: Context) -> str:
    """`ssh -p 2222 paas@example.com`: what stands before every command shown."""
    port = f"-p {ctx.on.settings.ssh_port} " if ctx.on.settings.ssh_port != 22 else ""
    return f"ssh {port}paas@{shown_host(ctx)}"


def git_remote(ctx: Context, app: str) -> str:
    return f"ssh://paas@{shown_host(ctx)}:{ctx.on.settings.ssh_port}/{quote(app)}"


def shown_host(ctx: Context) -> str:
    """The host by which this person reached us, while no domain is set."""
    domain = ctx.on.settings.domain
    return request.host.rpartition(":")[0] or request.host if domain == "localhost" else domain


@cache
def asset(name: str) -> str:
    """The URL of a static file, with a part of its hash: cached for ever by browsers."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return url_for("pages.static", filename=name, v=digest)


def ago(moment: datetime | None, now: datetime) -> str:
    """`5 min ago`; the page shows the moment itself on hover."""
    if moment is None:
        return ""
    seconds = max(0.0, (now - moment.astimezone(UTC)).total_seconds())
    if seconds < 5:
        return "just now"
    unit = 1
    for limit, name in AGES:
        if seconds < limit:
            return f"{int(seconds // unit)} {name} ago"
        unit = limit if limit <= 86400 else unit
    return moment.strftime("%Y-%m-%d")


def local_path(target: str | None, otherwise: str) -> str:
    """`target` if it is a path of ours, else `otherwise`: nobody is sent to a stranger's page."""
    fine = target is not None and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if fine and target is not None and target.isprintable() else otherwise


def _local(referrer: str | None) -> str:
    path = "/" + (referrer or "").partition("://")[2].partition("/")[2]
    return local_path(path, "/")
