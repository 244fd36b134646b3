"""builder:* - how an app's image is built: what to build with, from which folder, with which arguments."""

from __future__ import annotations

from typing import Any

from paas.commands.declare import command
from paas.commands.reports import Flag, Report, report, show_reports
from paas.commands.results import Done, Text
from paas.commands.words import AnyApp, TheApp
from paas.context import Context
from paas.errors import BadInputError
from paas.model import App, Session
from paas.rules.builder import check_build_dir, check_builder
from paas.rules.dockerfile_limits import check_build_argument

BUILDPACKS = ("python", "node", "go", "static")
PROPERTIES = ("selected", "build-dir", "dockerfile-path", "target", "build-arg")


@command("builder:set", allow="operate", api="PUT /apps/{app}/builder/{key}")
def set_(ctx: Context, app: TheApp, key: str, value: str = "") -> Done:
    """Set selected, build-dir, dockerfile-path, target or build-arg (NAME=VALUE); without a value the default is back.

    It counts from the next build on.

    $ ssh paas@host builder:set blog build-dir services/web
    $ ssh paas@host builder:set blog build-arg VERSION=3
    """
    if key not in PROPERTIES:
        raise BadInputError(f"{key[:40]!a} is no builder property", f"known: {', '.join(PROPERTIES)}", code="property")
    with ctx.on.database.write() as session:
        row = session.get(App, app.id)
        if row is not None:
            _store(row, key, value)
    return Done(f"Setting {key} to {value}" if value else f"Unsetting {key}")


def _store(app: App, key: str, value: str) -> None:
    settings = dict(app.build_settings)
    if key == "selected":
        app.builder = check_builder(value, BUILDPACKS) or None
    elif key == "build-arg":
        name, equals, argument = value.partition("=")
        check_build_argument(name)
        arguments = {other: kept for other, kept in settings.get("arguments", {}).items() if other != name}
        settings["arguments"] = arguments | ({name: argument} if equals else {})
    elif key == "target":
        if not all(character.isascii() and (character.isalnum() or character in "._-") for character in value):
            raise BadInputError(f"{value[:40]!a} is no build stage", "name it as the Dockerfile does", code="target")
        settings["target"] = value
    else:
        settings[key] = check_build_dir(value)
    app.build_settings = {name: kept for name, kept in settings.items() if kept}


def _facts(session: Session, app: App) -> dict[str, Any]:
    return {
        "builder-selected": app.builder or "",
        "builder-build-dir": app.build_settings.get("build-dir", ""),
        "builder-dockerfile-path": app.build_settings.get("dockerfile-path", ""),
        "builder-target": app.build_settings.get("target", ""),
        "builder-build-args": app.build_settings.get("arguments", {}),
    }


@command("builder:report", allow="view", api="GET /builder-reports", show=show_reports)
def report_(ctx: Context, app: AnyApp = None, flag: Flag = "") -> list[Report] | Text:
    """Show how one app or all are built.

    $ ssh paas@host builder:report blog
    """
    return report(ctx, app, flag, "builder", _facts)
