"""The API: a route below /api/v1 for every declared command, with bearer tokens. It words and checks nothing itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, request

from paas.commands.call import app_for, call
from paas.commands.callers import caller_by_token
from paas.commands.catalog import REGISTRY
from paas.commands.declare import Command
from paas.context import Caller, Context, Platform
from paas.errors import BadInputError, PaasError, UnauthenticatedError
from paas.web.answers import answer, error_answer, json_answer
from paas.web.openapi import describe
from paas.web.streams import build_stream

PREFIX = "/api/v1"
LARGEST_BODY = 4_000_000
DEEPEST = 8
_YES, _NO = ("", "1", "true", "yes"), ("0", "false", "no")


def make_api(on: Platform) -> Blueprint:
    """The blueprint; routes are named as their commands."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    for declared in REGISTRY.values():
        rule = declared.path.replace("{", "<").replace("}", ">")
        api.add_url_rule(rule, declared.name, _view(on, declared), methods=[declared.method])
    api.add_url_rule("/apps/<app>/builds/<build>/stream", "stream", _stream(on), methods=["GET"])
    api.add_url_rule("/openapi.json", "openapi", lambda: json_answer(describe()), methods=["GET"])
    api.register_error_handler(PaasError, error_answer)
    return api


def bearer(on: Platform) -> Caller:
    """The caller of this request's token. Raises UnauthenticatedError."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise UnauthenticatedError(
            "A bearer token is needed", "Authorization: Bearer paas_...; tokens:create makes one"
        )
    return caller_by_token(on, token.strip(), request.remote_addr or "")


def _view(on: Platform, declared: Command) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        ctx = Context(on, bearer(on))
        g.caller = ctx.caller
        app = path.get(declared.app_parameter.name) if declared.app_parameter else None
        return answer(call(declared.name, ctx, read_words(declared, path)), ctx, app, declared.method)

    return view


def _stream(on: Platform) -> Callable[..., Response]:
    def stream(app: str, build: str) -> Response:
        ctx = Context(on, bearer(on))
        return build_stream(ctx, app_for(ctx, app, "view"), build)

    return stream


def read_words(declared: Command, path: dict[str, str]) -> dict[str, Any]:
    """The words of a request: its path, its query, and for methods with a body its JSON object."""
    words: dict[str, Any] = {}
    for name in request.args:
        values = request.args.getlist(name)
        words[name] = _from_query(declared, name, values)
    if declared.method in ("POST", "PUT", "PATCH", "DELETE"):
        words.update(_body())
    known = {parameter.name.rstrip("_"): parameter.name for parameter in declared.parameters}
    return {known.get(name, name): value for name, value in {**words, **path}.items()}


def _from_query(declared: Command, name: str, values: list[str]) -> Any:
    place = next((parameter.place for parameter in declared.parameters if parameter.name.rstrip("_") == name), "option")
    if place == "rest":
        return values
    if place != "flag":
        return values[-1]
    if values[-1].lower() not in (*_YES, *_NO):
        raise BadInputError(f"{name} is true or false, not {values[-1][:20]!a}", code="query")
    return values[-1].lower() in _YES


def _body() -> dict[str, Any]:
    """The JSON object of the request, {} when there is none. Raises BadInputError (code `json`)."""
    raw = request.get_data(cache=False)
    if not raw:
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadInputError("The body is no JSON", 'send {"name": "blog"}', code="json") from None
    if not isinstance(value, dict):
        raise BadInputError("The body is no JSON object", 'send {"name": "blog"}', code="json")
    return value
