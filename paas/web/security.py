"""What keeps strangers' pages from acting here? Headers of every answer, and checks before every change by a browser.

Every app is same-site with the dashboard, so SameSite cookies alone stop nothing: a form must carry the CSRF token and
the browser must say that the request comes from this very origin (Sec-Fetch-Site, else Origin).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, Response

from paas.errors import ForbiddenError, PaasError
from paas.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",  # every answer is somebody's; what may be kept says so itself
}
YEAR = 31_536_000


class UntrustedHostError(PaasError):
    """The Host header names no host of ours (a rebinding attack, or a wrong proxy)."""

    code = "host"
    http_status = 400


def harden(response: Response, settings: Settings) -> Response:
    """Add the headers; what an answer set itself stays."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if settings.is_https:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
    return response


def check_host(request: Request, settings: Settings, dashboard_hosts: Iterable[str]) -> None:
    """Raises UntrustedHostError unless the request names the dashboard, or an address while no domain is set."""
    host = host_name(request)
    if host in dashboard_hosts:
        return
    if settings.domain == "localhost" and (host == "localhost" or _is_address(host)):
        return
    raise UntrustedHostError(
        f"{host[:80]!a} is not this dashboard", f"open {settings.app_url(settings.dashboard_host)}"
    )


def host_name(request: Request) -> str:
    """The Host header without its port; "" for one that is none."""
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def check_origin(request: Request) -> None:
    """Raises ForbiddenError (code `cross-site`) unless the browser says that our own page sent this.

    Browsers send Sec-Fetch-Site to trustworthy origins only (HTTPS, localhost); over plain HTTP to another host there
    is Origin alone, which they send with every POST.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    is_ours = site == "same-origin" if site is not None else origin == f"{request.scheme}://{request.host}"
    if not is_ours:
        raise ForbiddenError(
            "This request did not come from the dashboard itself", "open the page anew", code="cross-site"
        )


def csrf_token(secret: str) -> str:
    """The token of the forms of a browser: it follows from its cookie's secret and reveals nothing of it."""
    return hmac.new(_bytes(secret), b"csrf", hashlib.sha256).hexdigest()


def check_csrf(request: Request, secret: str) -> None:
    """Raises ForbiddenError (code `csrf`) unless the form or the header carries the token."""
    given = request.form.get("csrf_token") or request.headers.get("X-CSRF-Token") or ""
    if not secret or not hmac.compare_digest(_bytes(given), _bytes(csrf_token(secret))):
        raise ForbiddenError("This form has expired", "open the page anew and try again", code="csrf")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
