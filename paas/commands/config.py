"""config:* - the variables of an app. A change makes a release and rolls it, unless --no-restart or nothing runs."""

from __future__ import annotations

import base64
import binascii
import json
import shlex
from dataclasses import dataclass
from typing import Annotated

from paas.commands.call import app_for, authorise, record
from paas.commands.declare import REGISTRY, FromStdin, Help, command
from paas.commands.queue import enqueue
from paas.commands.results import Done, JobStarted, Text
from paas.commands.words import TheApp
from paas.context import Context
from paas.errors import BadInputError, NotFoundError
from paas.flows.variables import store_change
from paas.model import App, ConfigChange
from paas.model.config import config_of
from paas.rules.config import Change, check_key, check_value
from paas.rules.config import Variable as Wanted
from paas.rules.dotenv import FORMATS, export_variables, parse_dotenv
from paas.rules.jobs import ApplyConfig
from paas.rules.secret import STARS, Secret

NoRestart = Annotated[bool, Help("only remember it: the next release of any cause takes it")]


@dataclass(frozen=True)
class Variable:
    key: str
    value: str  # stars, unless --reveal asks for it
    build: bool


def _show_variables(variables: list[Variable]) -> str:
    width = max((len(variable.key) for variable in variables), default=0) + 2
    return "\n".join(f"{each.key + ':':<{width}} {each.value}" for each in variables)


@command(
    "config:show",
    allow="view",
    api="GET /apps/{app}/config",
    aliases=("config",),
    show=_show_variables,
    heading="=====> {app} env vars",
)
def show(
    ctx: Context, app: TheApp, *, reveal: Annotated[bool, Help("with their values, for those who may operate")] = False
) -> list[Variable]:
    """List an app's variables, their values masked.

    $ ssh paas@host config:show blog
    $ ssh paas@host config:show blog --reveal
    """
    if reveal:
        authorise(REGISTRY["config:get"], ctx.caller)
        app_for(ctx, app.name, "operate")
        _record_reading(ctx, app, "config:show", {"reveal": True})
    with ctx.on.database.read() as session:
        rows = config_of(session, app.id)
    return [
        Variable(key, ctx.on.vault.open(row.sealed) if reveal else STARS, row.is_build) for key, row in rows.items()
    ]


def _record_reading(ctx: Context, app: App, name: str, words: dict[str, object]) -> None:
    """Whoever sees a value is in the audit trail, though nothing was changed."""
    record(ctx, REGISTRY[name], app, {"app": app.name, **words}, "ok")


@command("config:keys", allow="view", api="GET /apps/{app}/config-keys")
def keys(ctx: Context, app: TheApp) -> list[str]:
    """List the names of an app's variables.

    $ ssh paas@host config:keys blog
    """
    with ctx.on.database.read() as session:
        return list(config_of(session, app.id))


@command("config:get", allow="operate", api="GET /apps/{app}/config/{key}")
def get(
    ctx: Context, app: TheApp, key: str, *, quoted: Annotated[bool, Help("as a shell would need it")] = False
) -> Text:
    """Print the value of one variable.

    $ ssh paas@host config:get blog DATABASE_URL
    """
    with ctx.on.database.read() as session:
        row = config_of(session, app.id).get(key)
    if row is None:
        raise NotFoundError(f"{key[:60]!a} is not set on {app.name}", f"config:keys {app.name}", code="config-key")
    value = ctx.on.vault.open(row.sealed)
    _record_reading(ctx, app, "config:get", {"key": key})
    return Text(shlex.quote(value) if quoted else value)


@command("config:export", allow="operate", api="GET /apps/{app}/config-export")
def export(
    ctx: Context, app: TheApp, *, format_: Annotated[str, Help(f"one of {', '.join(FORMATS)}")] = "exports"
) -> Text:
    """Print all variables with their values, for a shell, an .env file or a program.

    $ ssh paas@host config:export blog --format envfile
    """
    with ctx.on.database.read() as session:
        values = {key: ctx.on.vault.open(row.sealed) for key, row in config_of(session, app.id).items()}
    text = export_variables(values, format_)
    _record_reading(ctx, app, "config:export", {"format_": format_})
    return Text(text)


@command("config:set", allow="operate", api="PATCH /apps/{app}/config")
def set_(
    ctx: Context,
    app: TheApp,
    *pairs: str,
    no_restart: NoRestart = False,
    encoded: Annotated[bool, Help("the values are base64")] = False,
    build: Annotated[bool, Help("also give them to builds, as secrets that leave no trace in the image")] = False,
) -> Done | JobStarted:
    """Set variables; the app is rolled with them.

    $ ssh paas@host config:set blog GREETING=hello COLOUR=blue
    """
    values = dict(read_pair(pair, encoded) for pair in pairs)
    if not values:
        raise BadInputError("Nothing to set", f"config:set {app.name} KEY=VALUE", code="config-pair")
    return change(ctx, app, values, (), no_restart=no_restart, build=build)


@command("config:unset", allow="operate", api="POST /apps/{app}/config/unset")
def unset(ctx: Context, app: TheApp, *names: str, no_restart: NoRestart = False) -> Done | JobStarted:
    """Remove variables; the app is rolled without them.

    $ ssh paas@host config:unset blog GREETING
    """
    if not names:
        raise BadInputError("Nothing to unset", f"config:unset {app.name} KEY", code="config-pair")
    return change(ctx, app, {}, names, no_restart=no_restart)


@command("config:clear", allow="operate", api="DELETE /apps/{app}/config")
def clear(ctx: Context, app: TheApp, *, no_restart: NoRestart = False) -> Done | JobStarted:
    """Remove all variables; the app is rolled without them.

    $ ssh paas@host config:clear blog
    """
    with ctx.on.database.read() as session:
        names = list(config_of(session, app.id))
    if not names:
        return Done(f"{app.name} has no config vars")
    return change(ctx, app, {}, names, no_restart=no_restart)


@command("config:import", allow="operate", api="POST /apps/{app}/config/import")
def import_(
    ctx: Context,
    app: TheApp,
    *,
    text: Annotated[str, FromStdin(), Help("an .env file; read from stdin when not given")],
    replace: Annotated[bool, Help("unset what the file does not name")] = False,
    no_restart: NoRestart = False,
    build: Annotated[bool, Help("also give them to builds")] = False,
) -> Done | JobStarted:
    """Set variables from an .env file.

    $ ssh paas@host config:import blog < .env
    """
    values = parse_dotenv(text)
    for key, value in values.items():
        check_value(check_key(key), value)
    gone: list[str] = []
    if replace:
        with ctx.on.database.read() as session:
            gone = [key for key in config_of(session, app.id) if key not in values]
    if not values and not gone:
        raise BadInputError("The file sets nothing", "lines look like KEY=value", code="config-pair")
    return change(ctx, app, values, gone, no_restart=no_restart, build=build)


def read_pair(pair: str, encoded: bool = False) -> tuple[str, str]:
    """Name and value of `KEY=VALUE`. Raises BadInputError (code `config-pair`, `config-key`, `config-value`)."""
    key, equals, value = pair.partition("=")
    if not equals:
        raise BadInputError(f"{key[:60]!a} has no value", "write KEY=VALUE", code="config-pair")
    check_key(key)
    if encoded:
        try:
            value = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise BadInputError(f"The value of {key} is not base64 of a UTF-8 text", code="config-value") from None
    check_value(key, value)
    return key, value


def change(
    ctx: Context,
    app: App,
    values: dict[str, str],
    unset_keys: tuple[str, ...] | list[str],
    *,
    no_restart: bool,
    build: bool = False,
) -> Done | JobStarted:
    """Write the change at once, or as a row of its own that a job rolls out."""
    named = ", ".join([*values, *unset_keys])
    with ctx.on.database.write() as session:
        fresh = session.get(App, app.id)
        if no_restart or fresh is None or fresh.current_release_id is None:
            wanted = {key: Wanted(Secret(value), build) for key, value in values.items()}
            store_change(ctx.on, session, app.id, Change(wanted, tuple(unset_keys)), ctx.caller.name)
            return Done(f"Config vars of {app.name} changed: {named}")
        row = ConfigChange(
            app_id=app.id,
            sealed=ctx.on.vault.seal(json.dumps(values)),
            unset=list(unset_keys),
            build_keys=list(values) if build else [],
            created_at=ctx.on.clock.now(),
            created_by=ctx.caller.name,
        )
        session.add(row)
        session.flush()
        job = enqueue(session, ctx, app, ApplyConfig(change_id=row.id))
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Rolling {app.name} with changed config vars: {named}")
