"""What shape has an app.json? pydantic says what is wrong at which place, and which keys nobody reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from paas.errors import BadInputError
from paas.rules.formation import MOST_COPIES
from paas.rules.names import check_process_type
from paas.rules.plain_json import parse_json

APP_JSON = "app.json"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


def _is_process_type(value: str) -> str:
    try:
        return check_process_type(value)
    except BadInputError as error:
        raise ValueError(error.message) from None


def _is_variable_name(value: str) -> str:
    if not (value.isascii() and value.isidentifier()) or len(value) > 128:
        raise ValueError("a variable's name has letters, digits and _ only")
    return value


def _as_variable(value: object) -> object:
    """Heroku's short form: the value alone."""
    if not isinstance(value, str | dict):
        raise ValueError("must be a text or an object")
    return {"value": value} if isinstance(value, str) else value


def _is_path(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"/[\x21-\x7e]*", value):
        raise ValueError("must begin with / and hold no spaces and no other than ASCII characters")
    return value


def _as_words(value: object) -> object:
    return ["/bin/sh", "-c", value] if isinstance(value, str) else value


_ProcessType = Annotated[str, BeforeValidator(_is_process_type)]
_VariableName = Annotated[str, BeforeValidator(_is_variable_name)]
_Line = Annotated[str, Field(min_length=1, max_length=8000, pattern=r"^[^\x00]*$")]
_Seconds = Annotated[float, Field(ge=0, le=3600, strict=False)]


class Variable(_Shape):
    value: str | None = None
    required: bool = True
    generator: Literal["secret"] | None = None
    description: str = ""


class Process(_Shape):
    quantity: int | None = Field(None, ge=0, le=MOST_COPIES)


class DokkuScripts(_Shape):
    predeploy: _Line | None = None
    postdeploy: _Line | None = None


class Scripts(_Shape):
    dokku: DokkuScripts = Field(default_factory=DokkuScripts)
    postdeploy: _Line | None = None


class Check(_Shape):
    type: Literal["startup", "liveness", "readiness", ""] = "startup"
    name: str = ""
    path: Annotated[str | None, BeforeValidator(_is_path), Field(max_length=2000)] = None
    command: Annotated[list[_Line], BeforeValidator(_as_words)] = Field(default_factory=list)
    port: int | None = Field(None, ge=1, le=65535)
    content: str = Field("", max_length=2000)
    listening: bool = False
    uptime: _Seconds = 0
    attempts: int = Field(3, ge=1, le=100)
    wait: _Seconds = 5
    timeout: Annotated[float, Field(gt=0, le=3600, strict=False)] = 5
    initialDelay: _Seconds = 0  # noqa: N815 - the file's own word


class AppJson(_Shape):
    name: str = Field("", max_length=200)
    description: str = Field("", max_length=2000)
    env: dict[_VariableName, Annotated[Variable, BeforeValidator(_as_variable)]] = Field(default_factory=dict)
    formation: dict[_ProcessType, Process] = Field(default_factory=dict)
    scripts: Scripts = Field(default_factory=Scripts)
    healthchecks: dict[_ProcessType, list[Check]] = Field(default_factory=dict)


def read_shape(content: bytes) -> AppJson:
    """Raises BadInputError (code `app-json` or `bad-file`), one line that names the place."""
    value = parse_json(content, APP_JSON)
    if not isinstance(value, dict):
        raise BadInputError(f"{APP_JSON} must hold an object, {{...}}", code="app-json")
    try:
        return AppJson.model_validate(value)
    except ValidationError as error:
        raise _refusal(error) from None


def unknown_keys(shape: BaseModel, place: str = "") -> Iterator[str]:
    """Their places, with dots."""
    for key in shape.model_extra or {}:
        yield f"{place}{_printable(key)}"
    for key in type(shape).model_fields:
        yield from _unknown_below(getattr(shape, key), f"{place}{key}.")


def _unknown_below(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from unknown_keys(value, place)
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unknown_below(inner, f"{place}{key}.")


def _printable(key: object) -> str:
    return "".join(character if character.isprintable() else "?" for character in str(key)[:60])


def _refusal(error: ValidationError) -> BadInputError:
    first = error.errors()[0]
    place = ".".join(_printable(part) for part in first["loc"] if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    hint = "numbers and yes or no are texts here: put them in quotes" if first["loc"][0] == "env" else ""
    return BadInputError(f"{APP_JSON}: {place}: {message}", hint, code="app-json")
