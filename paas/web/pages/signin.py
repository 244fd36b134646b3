"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from paas.commands.callers import close_session
from paas.commands.signin import sign_in
from paas.context import Platform
from paas.errors import PaasError
from paas.web.cookie import forget, new_secret, remember, secret_of, signed_in
from paas.web.pages.assets import asset
from paas.web.pages.frame import local_path
from paas.web.security import check_csrf, check_origin, csrf_token

HOME = "/apps"


def register(pages: Blueprint, on: Platform) -> None:
    @pages.get("/sign-in", endpoint="sign_in")
    def show() -> Response:
        target = local_path(request.args.get("next"), HOME)
        if signed_in(on, request) is not None:
            return redirect(target, 303)
        return _form(on, target)

    @pages.post("/sign-in")
    def enter() -> Response:
        check_origin(request)
        check_csrf(request, secret_of(on, request))
        target = local_path(request.form.get("next"), HOME)
        name, password = request.form.get("name", "").strip(), request.form.get("password", "")
        try:
            agent = request.headers.get("User-Agent", "")
            secret = sign_in(on, name, password, request.remote_addr or "", agent)
        except PaasError as error:
            return _form(on, target, name, error)
        close_session(on, secret_of(on, request))  # whatever this browser was before, it is no longer
        response = redirect(target, 303)
        remember(on, response, secret)
        return response

    @pages.post("/sign-out", endpoint="sign_out")
    def leave() -> Response:
        check_origin(request)
        check_csrf(request, secret_of(on, request))
        response = redirect(url_for("pages.sign_in"), 303)
        forget(on, request, response)
        return response


def _form(on: Platform, target: str, name: str = "", error: PaasError | None = None) -> Response:
    """The form, and for a browser without one a cookie: the form's token follows from it."""
    known = secret_of(on, request)
    secret = known or new_secret()
    html = render_template("sign-in.html", next=target, name=name, error=error, asset=asset, csrf=csrf_token(secret))
    response = make_response(html, error.http_status if error else 200)
    if not known:
        remember(on, response, secret, lasts=False)
    return response
