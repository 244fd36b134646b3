"""What do all pages share? The signed-in caller, the layout, and how a refusal reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from paas.context import Context, Platform
from paas.errors import PaasError
from paas.web.cookie import secret_of, signed_in
from paas.web.pages import words
from paas.web.pages.assets import asset
from paas.web.security import csrf_token, host_name

View = Callable[..., AnyResponse | str]


def for_people(on: Platform) -> Callable[[View], View]:
    """Decorates a page: only for signed-in people, who are sent back here afterwards."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**path: str) -> AnyResponse | str:
            caller = signed_in(on, request)
            if caller is None:
                target = request.full_path.rstrip("?") if request.method == "GET" else None
                return redirect(url_for("pages.sign_in", next=target), 303)
            g.ctx = Context(on, caller)
            return view(g.ctx, **path)

        return guarded

    return decorate


def page(ctx: Context, template: str, status: int = 200, **facts: Any) -> Response:
    """Render a page of the dashboard."""
    now = ctx.on.clock.now()
    html = render_template(
        template,
        caller=ctx.caller,
        csrf=csrf_token(secret_of(ctx.on, request)),
        here=request.path,
        asset=asset,
        words=words,
        ago=lambda moment: words.ago(moment, now),
        ssh=ssh_line(ctx),
        **facts,
    )
    return make_response(html, status)


def refusal(error: PaasError) -> Response:
    """A page that says no: what happened, and what to do."""
    ctx: Context | None = g.get("ctx")
    if ctx is not None:
        facts = {"error": error, "back": g.get("back") or _back(), "again": g.get("again", [])}
        return page(ctx, "refused.html", error.http_status, **facts)
    return make_response(render_template("door.html", error=error, asset=asset), error.http_status)


def ssh_line(ctx: Context) -> str:
    """`ssh -p 2222 paas@example.com`: what stands before every command shown."""
    port = f"-p {ctx.on.settings.ssh_port} " if ctx.on.settings.ssh_port != 22 else ""
    return f"ssh {port}paas@{shown_host(ctx)}"


def git_remote(ctx: Context, app: str) -> str:
    return f"ssh://paas@{_bracketed(shown_host(ctx))}:{ctx.on.settings.ssh_port}/{quote(app)}"


def shown_host(ctx: Context) -> str:
    """The base domain, or while none is set the host by which this person reached us."""
    domain = ctx.on.settings.domain
    host = host_name(request)
    return domain if domain != "localhost" or host.endswith(".localhost") else host


def local_path(target: str | None, otherwise: str) -> str:
    """`target` if it is a path of ours, else `otherwise`: nobody is sent to a stranger's page."""
    fine = target is not None and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if fine and target is not None and target.isascii() and target.isprintable() else otherwise


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _back() -> str:
    """The page from which this one was asked for."""
    referrer = request.referrer or ""
    if not referrer.isascii() or not referrer.startswith(request.host_url):
        return url_for("pages.apps")
    return local_path(urlsplit(referrer).path, url_for("pages.apps"))
