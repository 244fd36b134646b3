"""May it be done, and what came of it? The one gate: find, authorise, validate, run, audit.

"Not yours" and "not there" give the same answer, whichever door is knocked at.
"""

from __future__ import annotations

from typing import Any

from paas.commands.declare import Command, find, validate
from paas.commands.present import storable
from paas.context import Caller, Context
from paas.errors import AppNotFoundError, ForbiddenError, PaasError, UnknownCommandError
from paas.model import App, Event, Grant, Session, select
from paas.model.app import find_app
from paas.rules.access import Level, is_about_apps, is_enough, scope_allows

SECRET_PARAMETERS = frozenset({"pairs", "env", "password", "text", "public_key"})  # never written into the audit trail


def call(name: str, ctx: Context, words: dict[str, Any]) -> Any:
    """Run command `name` with these words (by parameter name) for this caller; its result (see results.py)."""
    declared = find(name)
    if declared is None:
        raise UnknownCommandError(f"{name[:60]!a} is not a command", "help")
    app: App | None = None
    try:
        authorise(declared, ctx.caller)
        values = validate(declared, words)
        app = _resolve_app(declared, ctx, values)
        result = declared.function(ctx, *_positional(declared, values), **_named(declared, values))
    except PaasError as error:
        if declared.changes:
            record(ctx, declared, app, words, error.code)
        raise
    if declared.changes:
        record(ctx, declared, app, words, "ok", getattr(result, "job_id", None))
    return result


def authorise(declared: Command, caller: Caller) -> None:
    """Raises ForbiddenError for what the role or the token's scope rules out, whatever the app."""
    if declared.allow == "admin" and caller.role != "admin":
        raise ForbiddenError(f"{declared.name} is for administrators", "ask one of them: users:list")
    if not scope_allows(caller.scope, declared.allow, declared.changes):
        raise ForbiddenError(f"This token may not call {declared.name}", "tokens:create with another --scope")
    if caller.token_apps and not is_about_apps(declared.allow, declared.changes):
        raise ForbiddenError(f"A token for some apps may not call {declared.name}", "tokens:create without --only")


def level_of(session: Session, caller: Caller, app_id: str) -> str | None:
    """What this caller may do with the app: own for administrators, else the grant; None for nothing."""
    if caller.token_apps and app_id not in caller.token_apps:
        return None
    if caller.role == "admin":
        return "own"
    return session.scalar(select(Grant.level).where(Grant.user_id == caller.user_id, Grant.app_id == app_id))


def app_for(ctx: Context, name: str, needed: Level) -> App:
    """The app, if this caller may do that with it. Raises AppNotFoundError, or ForbiddenError when it is visible."""
    with ctx.on.database.read() as session:
        app = find_app(session, name)
        level = level_of(session, ctx.caller, app.id) if app else None
    if app is None or level is None:
        raise AppNotFoundError(name)
    if not is_enough(level, needed):
        raise ForbiddenError(
            f"You need the right to {needed} on {name}, you have {level}", f"ask an owner: access:list {name}"
        )
    return app


def visible_apps(session: Session, caller: Caller) -> list[App]:
    """All apps that this caller may at least view, by name."""
    query = select(App).order_by(App.name)
    if caller.role != "admin":
        query = query.join(Grant, Grant.app_id == App.id).where(Grant.user_id == caller.user_id)
    if caller.token_apps:
        query = query.where(App.id.in_(caller.token_apps))
    return list(session.scalars(query))


def _resolve_app(declared: Command, ctx: Context, values: dict[str, Any]) -> App | None:
    parameter = declared.app_parameter
    if parameter is None:
        return None
    if values[parameter.name] is None:
        return None
    app = app_for(ctx, values[parameter.name], declared.needs_level or "view")
    values[parameter.name] = app
    return app


def _positional(declared: Command, values: dict[str, Any]) -> list[Any]:
    words: list[Any] = []
    for parameter in declared.parameters:
        if parameter.place == "argument":
            words.append(values[parameter.name])
        elif parameter.place == "rest":
            words.extend(values[parameter.name])
    return words


def _named(declared: Command, values: dict[str, Any]) -> dict[str, Any]:
    return {p.name: values[p.name] for p in declared.parameters if p.place in ("option", "flag")}


def record(
    ctx: Context, declared: Command, app: App | None, words: dict[str, Any], result: str, job_id: int | None = None
) -> None:
    """Write the audit line of one call, without secret parameters and without words that it does not know.

    (A call with {"DATABASE_URL": value} instead of {"pairs": [...]} is refused, and its value nobody's to read.)
    """
    known = {parameter.name for parameter in declared.parameters} - SECRET_PARAMETERS
    words = {key: value for key, value in words.items() if key in known}
    shown = {key: value for key, value in words.items() if isinstance(value, str | int | bool | tuple | list)}
    named = words.get(declared.app_parameter.name) if declared.app_parameter else None
    with ctx.on.database.write() as session:
        session.add(
            Event(
                at=ctx.on.clock.now(),
                actor=ctx.caller.name,
                user_id=ctx.caller.user_id,
                via=ctx.caller.via,
                address=ctx.caller.address,
                action=declared.name,
                app_id=app.id if app else None,
                app_name=app.name if app else (storable(named[:64]) if isinstance(named, str) else None),
                target=storable(str(words.get("name") or words.get("version") or "")[:200]),
                result=result,
                details=_shorten(shown),
                job_id=job_id,
            )
        )


def _shorten(words: dict[str, Any]) -> dict[str, Any]:
    """Audit details are read by people: at most 200 characters a value, lists as text."""
    shown: dict[str, Any] = {}
    for key, value in words.items():
        if value in (None, (), [], False):
            continue
        text = " ".join(map(str, value)) if isinstance(value, list | tuple) else value
        shown[storable(key[:60])] = storable(str(text)[:200]) if not isinstance(text, bool) else text
    return dict(list(shown.items())[:20])
