"""What does an app.json ask for?

Heroku's app.json schema (devcenter.heroku.com/articles/app-json-schema) as far as Dokku reads it, with Dokku's scripts
and health checks (dokku.com/docs/appendices/file-formats/app-json). Keys that do nothing here are warned about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from paas.errors import BadInputError
from paas.rules.names import check_process_type
from paas.rules.plain_json import parse_json

APP_JSON = "app.json"
MOST_COPIES = 100

StartupKind = Literal["path", "command", "listening", "uptime"]


@dataclass(frozen=True)
class HealthCheck:
    """One startup check of a process. Seconds. One of path, command and uptime says what is done, else listening."""

    name: str = ""
    path: str = ""
    command: tuple[str, ...] = ()
    port: int | None = None
    content: str = ""  # text that the answer's body must hold
    uptime: float = 0
    attempts: int = 3
    wait: float = 5
    timeout: float = 5
    initial_delay: float = 0

    @property
    def kind(self) -> StartupKind:
        if self.path:
            return "path"
        if self.command:
            return "command"
        return "uptime" if self.uptime else "listening"


@dataclass(frozen=True)
class WantedVariable:
    """A variable that app.json names. `value` None: to be generated, or to be set by a person."""

    value: str | None = None
    is_required: bool = True
    is_generated: bool = False
    description: str = ""


@dataclass(frozen=True)
class Manifest:
    name: str = ""
    description: str = ""
    variables: Mapping[str, WantedVariable] = field(default_factory=dict)
    formation: Mapping[str, int] = field(default_factory=dict)  # process type -> copies
    predeploy: str | None = None  # in the new image, before its processes start
    postdeploy: str | None = None  # in the new image, after traffic has moved
    first_deploy: str | None = None  # Heroku's `postdeploy`: once, after the app's first deploy
    checks: Mapping[str, tuple[HealthCheck, ...]] = field(default_factory=dict)  # process type -> startup checks
    warnings: tuple[str, ...] = ()


# --- The file's shape -------------------------------------------------------------------------------------------------
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


def _as_words(value: object) -> object:
    return ["/bin/sh", "-c", value] if isinstance(value, str) else value


_ProcessType = Annotated[str, BeforeValidator(_is_process_type)]
_VariableName = Annotated[str, BeforeValidator(_is_variable_name)]
_Line = Annotated[str, Field(min_length=1, max_length=8000, pattern=r"^[^\x00]*$")]
_Seconds = Annotated[float, Field(ge=0, le=3600, strict=False)]


class _Variable(_Shape):
    value: str | None = None
    required: bool = True
    generator: Literal["secret"] | None = None
    description: str = ""


class _Process(_Shape):
    quantity: int | None = Field(None, ge=0, le=MOST_COPIES)


class _DokkuScripts(_Shape):
    predeploy: _Line | None = None
    postdeploy: _Line | None = None


class _Scripts(_Shape):
    dokku: _DokkuScripts = Field(default_factory=_DokkuScripts)
    postdeploy: _Line | None = None


class _Check(_Shape):
    type: Literal["startup", "liveness", "readiness", ""] = "startup"
    name: str = ""
    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$", max_length=2000)] | None = None
    command: Annotated[list[_Line], BeforeValidator(_as_words)] = Field(default_factory=list)
    port: int | None = Field(None, ge=1, le=65535)
    content: str = Field("", max_length=2000)
    listening: bool = False
    uptime: _Seconds = 0
    attempts: int = Field(3, ge=1, le=100)
    wait: _Seconds = 5
    timeout: Annotated[float, Field(gt=0, le=3600, strict=False)] = 5
    initialDelay: _Seconds = 0  # noqa: N815 - the file's own word


class _AppJson(_Shape):
    name: str = Field("", max_length=200)
    description: str = Field("", max_length=2000)
    env: dict[_VariableName, Annotated[_Variable, BeforeValidator(_as_variable)]] = Field(default_factory=dict)
    formation: dict[_ProcessType, _Process] = Field(default_factory=dict)
    scripts: _Scripts = Field(default_factory=_Scripts)
    healthchecks: dict[_ProcessType, list[_Check]] = Field(default_factory=dict)


# --- Reading ----------------------------------------------------------------------------------------------------------
def parse_manifest(content: bytes) -> Manifest:
    """Read an app.json. Raises BadInputError (code `app-json` or `bad-file`), one line that names the place."""
    value = parse_json(content, APP_JSON)
    if not isinstance(value, dict):
        raise BadInputError(f"{APP_JSON} must hold an object, {{...}}", code="app-json")
    try:
        shape = _AppJson.model_validate(value)
    except ValidationError as error:
        raise _refusal(error) from None
    checks, check_warnings = _read_checks(shape.healthchecks)
    return Manifest(
        name=shape.name,
        description=shape.description,
        variables={name: _read_variable(wanted) for name, wanted in shape.env.items()},
        formation={kind: process.quantity for kind, process in shape.formation.items() if process.quantity is not None},
        predeploy=shape.scripts.dokku.predeploy,
        postdeploy=shape.scripts.dokku.postdeploy,
        first_deploy=shape.scripts.postdeploy,
        checks=checks,
        warnings=(*(f"{APP_JSON}: {place} does nothing here" for place in _unknown_keys(shape)), *check_warnings),
    )


def first_values(
    variables: Mapping[str, WantedVariable], known: Mapping[str, object], make_secret: Callable[[], str]
) -> dict[str, str]:
    """Values for the variables that app.json names and that nobody has set yet.

    known: what is set already (only its keys are looked at). Raises BadInputError (code `config-missing`) that names
    the required variables for which there is neither a value nor a generator.
    """
    values: dict[str, str] = {}
    missing: list[str] = []
    for name, wanted in variables.items():
        if name in known:
            continue
        if wanted.value is not None:
            values[name] = wanted.value
        elif wanted.is_generated:
            values[name] = make_secret()
        elif wanted.is_required:
            missing.append(name)
    if missing:
        raise BadInputError(
            f"{APP_JSON} requires {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not set",
            f"config:set APP {missing[0]}=VALUE, then push again",
            code="config-missing",
        )
    return values


def _read_variable(wanted: _Variable) -> WantedVariable:
    return WantedVariable(wanted.value, wanted.required, wanted.generator == "secret", wanted.description)


def _read_checks(shapes: Mapping[str, list[_Check]]) -> tuple[dict[str, tuple[HealthCheck, ...]], list[str]]:
    checks: dict[str, tuple[HealthCheck, ...]] = {}
    warnings: list[str] = []
    for process_type, listed in shapes.items():
        kept: list[HealthCheck] = []
        for number, shape in enumerate(listed):
            place = f"healthchecks.{process_type}.{number}"
            if shape.type in ("liveness", "readiness"):
                warnings.append(f"{APP_JSON}: {place} does nothing here: only startup checks are made")
                continue
            kept.append(_read_check(shape, place))
        if kept:
            checks[process_type] = tuple(kept)
    return checks, warnings


def _read_check(shape: _Check, place: str) -> HealthCheck:
    told = [
        name
        for name, is_told in [
            ("path", shape.path), ("command", shape.command), ("uptime", shape.uptime), ("listening", shape.listening)
        ]
        if is_told
    ]  # fmt: skip
    if len(told) != 1:
        reason = f"{' and '.join(told)} exclude each other" if told else "it says nothing to check"
        hint = "give one of path, command, listening and uptime"
        raise BadInputError(f"{APP_JSON}: {place}: {reason}", hint, code="app-json")
    return HealthCheck(
        name=shape.name,
        path=shape.path or "",
        command=tuple(shape.command),
        port=shape.port,
        content=shape.content,
        uptime=shape.uptime,
        attempts=shape.attempts,
        wait=shape.wait,
        timeout=shape.timeout,
        initial_delay=shape.initialDelay,
    )


def _unknown_keys(shape: BaseModel, place: str = "") -> Iterator[str]:
    for key in shape.model_extra or {}:
        yield f"{place}{_printable(key)}"
    for key in type(shape).model_fields:
        yield from _unknown_below(getattr(shape, key), f"{place}{key}.")


def _unknown_below(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from _unknown_keys(value, place)
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
