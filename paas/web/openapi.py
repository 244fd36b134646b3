"""What can the API do, in OpenAPI 3.1? Made from the declarations; docs/openapi.json is this, checked for drift."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from typing import Any

from openapi_pydantic import OpenAPI
from pydantic import TypeAdapter

import paas
from paas.commands.catalog import REGISTRY
from paas.commands.declare import Command, Parameter
from paas.commands.results import Done, Exists, InteractiveSession, JobStarted, LineStream, Text

REF = "#/components/schemas/{model}"
ERRORS = {
    "400": "Refused",
    "401": "The token is missing, unknown, expired or revoked",
    "403": "Not allowed for this token",
    "404": "Not there, or not yours",
    "409": "The present state does not allow it",
    "413": "The body is too large",
    "415": "The body is not named as application/json",
    "422": "Bad input",
    "429": "Too many requests",
    "503": "Something that the platform needs is down",
}
_FIXED: dict[type, tuple[str, str, dict[str, Any]]] = {
    JobStarted: ("202", "A build was started", {"$ref": REF.format(model="BuildStarted")}),
    Done: ("200", "Done", {"$ref": REF.format(model="Done")}),
    Text: ("200", "A text", {"$ref": REF.format(model="Text")}),
    Exists: ("200", "Whether it is so", {"$ref": REF.format(model="Exists")}),
    InteractiveSession: ("200", "How the command ended", {"$ref": REF.format(model="CommandEnded")}),
}
_SHARED: dict[str, dict[str, Any]] = {
    "Error": {
        "type": "object",
        "required": ["code", "message", "hint"],
        "properties": {
            "code": {"type": "string", "description": "Stable"},
            "message": {"type": "string"},
            "hint": {"type": "string", "description": "What to do next"},
        },
    },
    "BuildStarted": {
        "type": "object",
        "required": ["build", "message", "url", "stream"],
        "properties": {
            "build": {"type": "integer"},
            "message": {"type": "string"},
            "url": {"type": ["string", "null"], "description": "Where the build's state is; null for global changes"},
            "stream": {
                "type": ["string", "null"],
                "description": "Server-sent events with its log, resumable by Last-Event-ID",
            },
        },
    },
    "Done": {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}, "build": {"type": ["integer", "null"]}},
    },
    "Text": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
    "Exists": {"type": "object", "required": ["exists"], "properties": {"exists": {"type": "boolean"}}},
    "CommandEnded": {
        "type": "object",
        "required": ["exit_code", "stdout", "stderr"],
        "properties": {
            "exit_code": {"type": "integer"},
            "stdout": {"type": "string"},
            "stderr": {"type": "string"},
        },
    },
}


@functools.cache
def describe() -> dict[str, Any]:
    """The whole document. Raises pydantic's ValidationError when it is no OpenAPI 3.1."""
    schemas: dict[str, Any] = dict(_SHARED)
    paths: dict[str, dict[str, Any]] = {}
    for declared in sorted(REGISTRY.values(), key=lambda each: (each.path, each.method)):
        paths.setdefault(declared.path, {})[declared.method.lower()] = _operation(declared, schemas)
    paths["/apps/{app}/builds/{build}/stream"] = {"get": _stream()}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "paas", "version": paas.__version__, "description": "Every command, over HTTP."},
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    OpenAPI.model_validate(document)
    return document


def _operation(declared: Command, schemas: dict[str, Any]) -> dict[str, Any]:
    in_path = set(re.findall(r"{(\w+)}", declared.path))
    outside = [parameter for parameter in declared.parameters if parameter.name not in in_path]
    operation: dict[str, Any] = {
        "operationId": declared.name.replace(":", "_").replace("-", "_"),
        "tags": [declared.topic],
        "summary": declared.summary,
        "parameters": [
            {"name": parameter.name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for parameter in declared.parameters
            if parameter.name in in_path
        ],
        "responses": _responses(declared, schemas),
    }
    if declared.description:
        operation["description"] = declared.description
    if declared.method == "GET":
        operation["parameters"] += [_query(parameter, declared) for parameter in outside]
    elif outside:
        operation["requestBody"] = _body(outside, declared)
    return operation


def _stream() -> dict[str, Any]:
    """The one route beside the commands: builds:output for programs that come back after a cut."""
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in ("app", "build")
    ]
    resume = {
        "name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"},
        "description": "The id of the last event that was received: the offset in the log behind it",
    }  # fmt: skip
    one = {"type": "object", "properties": {name: {"type": "string"} for name in ("id", "event", "data")}}
    events = {"text/event-stream": {"schema": one}}
    said = "Events `log` (a list of lines), `progress` (state and steps), `end` (how it ended)"
    return {
        "operationId": "builds_stream",
        "tags": ["builds"],
        "summary": "Watch a build as server-sent events.",
        "parameters": [*path, resume],
        "responses": {"200": {"description": said, "content": events}, **_errors()},
    }


def _errors() -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": REF.format(model="Error")}}}
    return {status: {"description": said, "content": error} for status, said in ERRORS.items()}


def _query(parameter: Parameter, declared: Command) -> dict[str, Any]:
    return {
        "name": parameter.name.rstrip("_"),
        "in": "query",
        "required": parameter.required,
        "schema": _field_schema(parameter, declared),
    }


def _body(outside: list[Parameter], declared: Command) -> dict[str, Any]:
    required = [parameter.name.rstrip("_") for parameter in outside if parameter.required]
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {parameter.name.rstrip("_"): _field_schema(parameter, declared) for parameter in outside},
    }
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _field_schema(parameter: Parameter, declared: Command) -> dict[str, Any]:
    schema = declared.model.model_json_schema(ref_template=REF)["properties"][parameter.name]
    schema = {key: value for key, value in schema.items() if key != "title"}
    return {**schema, "description": parameter.help} if parameter.help else schema


def _responses(declared: Command, schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for returned in _alternatives(declared.returns):
        status, said, schema = _response(returned, declared, schemas)
        content = {"text/plain" if returned is LineStream else "application/json": {"schema": schema}}
        if status in found:
            before = found[status]["content"]["application/json"]["schema"]
            content = {"application/json": {"schema": {"anyOf": [before, schema]}}}
        found[status] = {"description": said, "content": content}
    return found | _errors()


def _alternatives(returned: Any) -> list[Any]:
    return list(typing.get_args(returned)) if "|" in str(returned) and typing.get_args(returned) else [returned]


def _response(returned: Any, declared: Command, schemas: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    if returned is LineStream:
        return "200", "Lines as they come", {"type": "string"}
    if returned is Done and declared.method == "POST":
        return "201", "Done", _FIXED[Done][2]
    if isinstance(returned, type) and returned in _FIXED:
        return _FIXED[returned]
    schema = TypeAdapter(returned).json_schema(mode="serialization", ref_template=REF)
    schemas.update(schema.pop("$defs", {}))
    if dataclasses.is_dataclass(returned) and isinstance(returned, type):
        schemas[returned.__name__] = schema
        return "200", "The record", {"$ref": REF.format(model=returned.__name__)}
    return "200", "The records", schema
