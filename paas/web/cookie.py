"""How does a browser prove who sits at it? A cookie that only this host gets; we keep the hash of its secret.

Apps answer at sibling hosts: the cookie has no Domain, so none of them is ever sent it. One of them could still set a
cookie of this name for the whole domain (over plain HTTP, where there is no `__Host-` prefix): two of a name are none.
"""

from __future__ import annotations

import secrets

from flask import Request
from werkzeug.wrappers import Response

from paas.commands.callers import caller_by_session, close_session
from paas.context import Caller, Platform

SECURE_COOKIE, PLAIN_COOKIE = "__Host-paas", "paas"  # RFC 6265bis, 4.1.3.2


def cookie_name(on: Platform) -> str:
    return SECURE_COOKIE if on.settings.is_https else PLAIN_COOKIE


def secret_of(on: Platform, request: Request) -> str:
    """The secret in the browser's cookie; "" when there is none, or more than one."""
    found = request.cookies.getlist(cookie_name(on))
    return found[0] if len(found) == 1 else ""


def signed_in(on: Platform, request: Request) -> Caller | None:
    secret = secret_of(on, request)
    return caller_by_session(on, secret, request.remote_addr or "") if secret else None


def new_secret() -> str:
    """For a browser that is not signed in yet: the forms before a sign-in need a token as well."""
    return secrets.token_urlsafe(32)


def remember(on: Platform, response: Response, secret: str, *, lasts: bool = True) -> None:
    """Set the cookie; lasts: beyond the browser's end."""
    response.set_cookie(
        cookie_name(on),
        secret,
        max_age=int(on.settings.session_lifetime) if lasts else None,
        secure=on.settings.is_https,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def forget(on: Platform, request: Request, response: Response) -> None:
    """End the session here and in the browser."""
    secret = secret_of(on, request)
    if secret:
        close_session(on, secret)
    response.delete_cookie(cookie_name(on), path="/", secure=on.settings.is_https, httponly=True, samesite="Lax")
