"""What is the web process made of? The API, the pages, and what every answer carries."""

from __future__ import annotations

import secrets

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from paas.context import Platform
from paas.errors import PaasError
from paas.model.domain import base_domains
from paas.rules.domains import dashboard_hosts
from paas.web.answers import error_answer
from paas.web.api import PREFIX, make_api
from paas.web.pages import make_pages
from paas.web.pages.frame import refusal
from paas.web.security import check_host, harden

LARGEST_BODY = 4_000_000

log = structlog.get_logger(__name__)


class InternalError(PaasError):
    """A bug of ours; the reference number finds it in the platform's log."""

    code = "internal"
    http_status = 500


def create_app(on: Platform) -> Flask:
    """The WSGI application, behind our own nginx on a unix socket."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign] # Flask's own way

    @app.before_request
    def _known_host() -> None:
        with on.database.read() as session:
            hosts = dashboard_hosts(base_domains(session, on.settings.domain))
        check_host(request, on.settings, (on.settings.dashboard_host, *hosts))

    app.after_request(harden)
    app.register_error_handler(PaasError, _say_no)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)
    app.register_blueprint(make_api(on))
    app.register_blueprint(make_pages(on))
    return app


def _say_no(error: PaasError) -> Response:
    """In the shape that the asker reads: JSON below the API, a page elsewhere."""
    return error_answer(error) if request.path.startswith(PREFIX) else refusal(error)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    said = PaasError(
        f"{error.name}: {request.method} {request.path[:100]}", f"{PREFIX}/openapi.json", code=f"http-{status}"
    )
    said.http_status = status
    return _say_no(said)


def _bug(error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.exception("bug", reference=reference, path=request.path, error=repr(error))
    return _say_no(InternalError("Something went wrong here", f"reference {reference} is in the platform's log"))
