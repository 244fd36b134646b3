"""The API: a route below /api/v1 for every declared command, with bearer tokens. It words and checks nothing itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, request

from paas.commands.call import call
from paas.commands.callers import caller_by_token
from paas.commands.catalog import REGISTRY
from paas.commands.declare import Command
from paas.context import Caller, Context, Platform
from paas.errors import BadInputError, UnauthenticatedError
from paas.web.answers import answer, json_answer
from paas.web.streams import build_stream

PREFIX = "/api/v1"
_YES, _NO = ("", "1", "true", "yes"), ("0", "false", "no")


class ContentTypeError(BadInputError):
    code = "content-type"
    http_status = 415


def make_api(on: Platform) -> Blueprint:
    """The blueprint; routes are named as their commands."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    for declared in REGISTRY.values():
        rule = declared.path.replace("{", "<").replace("}", ">")
        api.add_url_rule(rule, declared.name, _view(on, declared), methods=[declared.method])
    api.add_url_rule("/apps/<app>/builds/<build>/stream", "stream", _stream(on), methods=["GET"])
    api.add_url_rule("/openapi.json", "openapi", _document, methods=["GET"])
    return api


def bearer(on: Platform) -> Caller:
    """The caller of this request's token. Raises UnauthenticatedError."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        hint = "Authorization: Bearer paas_...; tokens:create makes one"
        raise UnauthenticatedError("A bearer token is needed", hint)
    return caller_by_token(on, token.strip(), request.remote_addr or "")


def _view(on: Platform, declared: Command) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        ctx = Context(on, bearer(on))
        g.caller = ctx.caller
        return answer(call(declared.name, ctx, read_words(declared, path)), ctx, declared.method)

    return view


def _stream(on: Platform) -> Callable[..., Response]:
    def stream(app: str, build: str) -> Response:
        return build_stream(Context(on, bearer(on)), app, build)

    return stream


def _document() -> Response:
    from paas.web.openapi import describe  # it takes 10 MB, and few ask for it

    return json_answer(describe())


def read_words(declared: Command, path: dict[str, str]) -> dict[str, Any]:
    """The words of a request: its query, for methods with a body its JSON object, and its path above both."""
    words: dict[str, Any] = {}
    for name in request.args:
        words[name] = _from_query(declared, name, request.args.getlist(name))
    if declared.changes:
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
    """The JSON object of the request, {} when there is none. Raises BadInputError (code `json` or `content-type`)."""
    raw = request.get_data(cache=False)
    if not raw:
        return {}
    if not request.is_json:
        raise ContentTypeError("The body is not named as JSON", "Content-Type: application/json")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadInputError("The body is no JSON", 'send {"name": "blog"}', code="json") from None
    if not isinstance(value, dict):
        raise BadInputError("The body is no JSON object", 'send {"name": "blog"}', code="json")
    return value
