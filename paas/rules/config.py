"""Which variables may an app have, what does a change make of them, and what does a process find in its environment?"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from paas.errors import BadInputError
from paas.rules.formation import WEB
from paas.rules.port import check_port
from paas.rules.secret import Secret

LONGEST_KEY = 128
LARGEST_VALUE = 100_000  # bytes; Linux takes 128 KiB for one variable (MAX_ARG_STRLEN), name included
LARGEST_CONFIG = 1_000_000  # bytes of all names and values; Linux takes 2 MiB for all of them and the command

# The dynamic linker runs these before any program of the image, our one-offs and health commands included.
REFUSED_KEYS = frozenset({"LD_PRELOAD", "LD_AUDIT"})
PLATFORM_PREFIX = "PAAS_"

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Variable:
    """`is_build`: also given to builds, as a BuildKit secret."""

    value: Secret
    is_build: bool = False


Config = Mapping[str, Variable]


@dataclass(frozen=True)
class Change:
    """What one call sets and unsets. `replaces_all`: nothing else stays (a rollback)."""

    variables: Config = field(default_factory=dict)
    unset: Collection[str] = ()
    replaces_all: bool = False


def check_key(key: str) -> str:
    """Return `key` if a variable may be called so. Raises BadInputError (code `config-key`)."""
    if not _KEY.fullmatch(key) or len(key) > LONGEST_KEY:
        raise BadInputError(
            f"{key[:40]!a} cannot be the name of a variable" if key else "A variable needs a name",
            f"use letters, digits and _, not beginning with a digit, at most {LONGEST_KEY} characters: DATABASE_URL",
            code="config-key",
        )
    if key in REFUSED_KEYS:
        hint = f"set it where it is needed, in the Procfile: web: {key}=/path/lib.so command"
        raise BadInputError(f"{key} cannot be set for a whole app", hint, code="config-key")
    if key.startswith(PLATFORM_PREFIX):
        hint = "choose another name"
        raise BadInputError(f"Names that begin with {PLATFORM_PREFIX} are the platform's", hint, code="config-key")
    return key


def check_value(key: str, value: str) -> str:
    """Return `value` if an environment can carry it. Raises BadInputError (code `config-value`; `port` for PORT)."""
    if "\0" in value:
        raise BadInputError(f"The value of {key} holds a NUL character", "encode it: base64", code="config-value")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise BadInputError(f"The value of {key} is not Unicode", "encode it: base64", code="config-value") from None
    if size > LARGEST_VALUE:
        raise BadInputError(
            f"The value of {key} has {size:,} bytes, at most {LARGEST_VALUE:,} are taken",
            "keep large things in files",
            code="config-value",
        )
    if key == "PORT":
        check_port(value)
    return value


def check_config(config: Config) -> Config:
    """Return `config` if a process can be started with it. Raises BadInputError (code `config-size`)."""
    size = sum(len(key) + len(variable.value.reveal().encode()) + 2 for key, variable in config.items())
    if size > LARGEST_CONFIG:
        raise BadInputError(
            f"All variables together have {size:,} bytes, at most {LARGEST_CONFIG:,} fit into an environment",
            "config:unset APP KEY",
            code="config-size",
        )
    return config


def apply_change(config: Config, change: Change) -> dict[str, Variable]:
    """The config after `change`, sorted by key. What is for builds stays so when it is set again."""
    kept = {} if change.replaces_all else {key: value for key, value in config.items() if key not in change.unset}
    new = {
        key: Variable(it.value, it.is_build or (key in kept and kept[key].is_build))
        for key, it in change.variables.items()
    }
    return dict(sorted({**kept, **new}.items()))


def describe_change(change: Change) -> str:
    """For the ledger of releases: names, never values."""
    parts = [f"Set {', '.join(sorted(change.variables))}"] if change.variables else []
    if change.unset:
        parts.append(f"Unset {', '.join(sorted(change.unset))}")
    return "; ".join(parts) or "Config without a change"


def write_snapshot(config: Config) -> str:
    """JSON {key: {value, is_build}}: what is sealed into a release."""
    return json.dumps({key: {"value": it.value.reveal(), "is_build": it.is_build} for key, it in config.items()})


def read_snapshot(text: str) -> dict[str, Variable]:
    return {key: Variable(Secret(it["value"]), bool(it["is_build"])) for key, it in json.loads(text).items()}


@dataclass(frozen=True)
class ProcessFacts:
    app_name: str
    process_type: str
    copy: int
    version: int
    commit: str | None
    port: int


def process_environment(facts: ProcessFacts, config: Config) -> dict[str, Secret]:
    """What a process finds: the platform's variables, over them the user's. PORT is web's alone."""
    own = {
        "PAAS_APP": facts.app_name,
        "PAAS_PROCESS": f"{facts.process_type}.{facts.copy}",
        "PAAS_RELEASE": f"v{facts.version}",
    }
    if facts.commit:
        own |= {"GIT_REV": facts.commit, "SOURCE_VERSION": facts.commit}
    environment = {key: Secret(value) for key, value in own.items()}
    environment |= {key: variable.value for key, variable in config.items()}
    environment.pop("PORT", None)
    if facts.process_type == WEB:
        environment["PORT"] = Secret(str(facts.port))
    return environment
