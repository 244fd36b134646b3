"""What is the web process made of? The API, the pages, and what every answer carries."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from paas.commands.hosts import hosts_of_dashboard
from paas.commands.present import harmless
from paas.context import Platform
from paas.errors import PaasError
from paas.web.answers import error_answer
from paas.web.api import PREFIX, make_api
from paas.web.bodies import read_out
from paas.web.pages import make_pages
from paas.web.pages.frame import refusal
from paas.web.security import check_host, harden
from paas.web.streams import Slots

LARGEST_BODY = 4_000_000

log = structlog.get_logger(__name__)


class InternalError(PaasError):
    """A bug of ours; the reference number finds it in the platform's log."""

    code = "internal"
    http_status = 500


def create_app(on: Platform) -> Flask:
    """The WSGI application, behind our own nginx on a unix socket."""
    app = Flask(__name__, static_folder=None)
    app.extensions["slots"] = Slots(on.settings.stream_limit)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY
    # Flask's own way to wrap an application:
    app.wsgi_app = ProxyFix(read_out(app.wsgi_app), x_for=1, x_proto=1)  # type: ignore[method-assign]
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "finalize": _shown}

    @app.before_request
    def _known_host() -> None:
        check_host(request, on.settings, hosts_of_dashboard(on))

    app.after_request(lambda response: harden(response, on.settings))
    app.register_error_handler(PaasError, _say_no)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)
    app.register_blueprint(make_api(on))
    app.register_blueprint(make_pages(on))
    return app


def _shown(value: Any) -> Any:
    """What a template prints: names, subjects and messages are strangers' texts, and bring no control characters."""
    return harmless(value) if type(value) is str else value


def _say_no(error: PaasError) -> Response:
    """In the shape that the asker reads: JSON from the API, a page elsewhere."""
    return error_answer(error) if _is_of_api() else refusal(error)


def _is_of_api() -> bool:
    return f"{request.path}/".startswith("/api/")


def _http_error(error: HTTPException) -> Response:
    """What Flask itself refuses: unknown paths and methods, too large bodies. Redirects pass."""
    if error.response is not None:
        return error.response  # type: ignore[return-value] # Flask's own redirect
    status = error.code or 500
    hint = f"{PREFIX}/openapi.json lists what there is" if _is_of_api() else ""
    said = PaasError(f"{error.name}: {request.method} {request.path[:100]}", hint, code=f"http-{status}")
    said.http_status = status
    answer = _say_no(said)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _bug(error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.exception("bug", reference=reference, path=request.path, error=repr(error))
    return _say_no(InternalError("Something went wrong here", f"reference {reference} is in the platform's log"))
