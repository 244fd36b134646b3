"""What does an app.json ask for?

Heroku's app.json schema (devcenter.heroku.com/articles/app-json-schema) as far as Dokku reads it, with Dokku's scripts
and health checks (dokku.com/docs/appendices/file-formats/app-json). Keys that do nothing here are warned about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from paas.errors import BadInputError
from paas.rules.formation import MOST_COPIES
from paas.rules.manifest_shape import APP_JSON, Check, Variable, read_shape, unknown_keys

__all__ = ["APP_JSON", "HealthCheck", "Manifest", "WantedVariable", "first_values", "parse_manifest"]

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


def parse_manifest(content: bytes) -> Manifest:
    """Read an app.json. Raises BadInputError (code `app-json` or `bad-file`), one line that names the place."""
    shape = read_shape(content)
    formation = {kind: process.quantity for kind, process in shape.formation.items() if process.quantity is not None}
    if sum(formation.values()) > MOST_COPIES:
        raise BadInputError(f"{APP_JSON}: formation: an app has at most {MOST_COPIES} copies in all", code="app-json")
    checks, check_warnings = _read_checks(shape.healthchecks)
    return Manifest(
        name=shape.name,
        description=shape.description,
        variables={name: _read_variable(wanted) for name, wanted in shape.env.items()},
        formation=formation,
        predeploy=shape.scripts.dokku.predeploy,
        postdeploy=shape.scripts.dokku.postdeploy,
        first_deploy=shape.scripts.postdeploy,
        checks=checks,
        warnings=(*(f"{APP_JSON}: {place} does nothing here" for place in unknown_keys(shape)), *check_warnings),
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


def _read_variable(wanted: Variable) -> WantedVariable:
    return WantedVariable(wanted.value, wanted.required, wanted.generator == "secret", wanted.description)


def _read_checks(shapes: Mapping[str, list[Check]]) -> tuple[dict[str, tuple[HealthCheck, ...]], list[str]]:
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


def _read_check(shape: Check, place: str) -> HealthCheck:
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
