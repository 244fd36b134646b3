"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from paas.context import Platform
from paas.errors import PaasError
from paas.web.pages.frame import asset, local_path
from paas.web.security import check_csrf, check_origin
from paas.web.signin import remember, session_secret, sign_in, sign_out, signed_in


def register(pages: Blueprint, on: Platform) -> None:
    @pages.get("/sign-in", endpoint="sign_in")
    def show() -> Response:
        target = local_path(request.args.get("next"), "/apps")
        if signed_in(on, request) is not None:
            return redirect(target, 303)
        return _form(target)

    @pages.post("/sign-in")
    def enter() -> Response:
        check_origin(request)
        target = local_path(request.form.get("next"), "/apps")
        name, password = request.form.get("name", ""), request.form.get("password", "")
        try:
            agent = request.headers.get("User-Agent", "")
            secret = sign_in(on, name, password, request.remote_addr or "", agent)
        except PaasError as error:
            return _form(target, name, error)
        return remember(on, redirect(target, 303), secret)

    @pages.post("/sign-out")
    def leave() -> Response:
        check_origin(request)
        check_csrf(request, session_secret(on, request))
        return sign_out(on, request, redirect(url_for("pages.sign_in"), 303))


def _form(target: str, name: str = "", error: PaasError | None = None) -> Response:
    html = render_template("sign-in.html", next=target, name=name, error=error, asset=asset)
    response = make_response(html, error.http_status if error else 200)
    response.headers["Cache-Control"] = "no-store"
    return response
