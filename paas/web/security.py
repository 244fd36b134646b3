"""What keeps strangers' pages from acting here? Headers of every answer, and checks before every change by a browser.

Every app is same-site with the dashboard, so SameSite cookies alone stop nothing: a form must carry the CSRF token and
the browser must say that the request comes from this very origin (Sec-Fetch-Site, else Origin).
"""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, Response

from paas.errors import ForbiddenError, PaasError
from paas.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class UntrustedHostError(PaasError):
    """The Host header names no host of ours (a rebinding attack, or a wrong proxy)."""

    code = "host"
    http_status = 400


def harden(response: Response) -> Response:
    """Add the headers; what a page set itself stays."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def check_host(request: Request, settings: Settings, dashboard_hosts: tuple[str, ...]) -> None:
    """Raises UntrustedHostError unless the request names the dashboard, or an address while no domain is set."""
    host = urlsplit(f"//{request.host}").hostname or ""
    if host in dashboard_hosts:
        return
    if settings.domain == "localhost" and (host == "localhost" or _is_address(host)):
        return
    raise UntrustedHostError(
        f"{host[:80]!a} is not this dashboard", f"open {settings.app_url(settings.dashboard_host)}"
    )


def check_origin(request: Request) -> None:
    """Raises ForbiddenError (code `cross-site`) unless the browser says that our own page sent this."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        fine = site == "same-origin"
    elif origin is not None:
        fine = origin == f"{request.scheme}://{request.host}"
    else:
        fine = False
    if not fine:
        raise ForbiddenError(
            "This request did not come from the dashboard itself", "open the page anew", code="cross-site"
        )


def csrf_token(session_secret: str) -> str:
    """The token of a session's forms: it follows from the cookie's secret and reveals nothing of it."""
    return hmac.new(session_secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def check_csrf(request: Request, session_secret: str) -> None:
    """Raises ForbiddenError (code `csrf`) unless the form or the header carries the session's token."""
    given = request.form.get("csrf_token") or request.headers.get("X-CSRF-Token") or ""
    if not hmac.compare_digest(given.encode(), csrf_token(session_secret).encode()):
        raise ForbiddenError("This form has expired", "open the page anew and try again", code="csrf")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
