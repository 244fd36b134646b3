"""How does `topic:report` answer? A report per app, or one line of it (`apps:report blog --app-locked`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from paas.commands import present
from paas.commands.call import visible_apps
from paas.commands.declare import Help
from paas.commands.results import Text
from paas.context import Context
from paas.errors import UsageError
from paas.model import App, Session

Flag = Annotated[str, Help("only the value of this line: --app-locked")]


@dataclass(frozen=True)
class Report:
    """`values`: by the name of the flag that asks for the line alone, without its dashes ("app-locked")."""

    app: str
    topic: str
    values: Mapping[str, Any]


def report(
    ctx: Context, app: App | None, flag: str, topic: str, facts: Callable[[Session, App], Mapping[str, Any]]
) -> list[Report] | Text:
    """The reports of one app or of all visible ones, or one line of each (see `pick`)."""
    with ctx.on.database.read() as session:
        apps = [app] if app is not None else visible_apps(session, ctx.caller)
        reports = [Report(each.name, topic, facts(session, each)) for each in apps]
    return pick(reports, flag)


def pick(reports: list[Report], flag: str) -> list[Report] | Text:
    """The values of the line that `flag` names, else the whole. Raises UsageError for a line that a report lacks."""
    if not flag:
        return reports
    name = flag.removeprefix("--")
    for each in reports:
        if name not in each.values:
            raise UsageError(f"Invalid flag passed, valid flags: {', '.join('--' + key for key in each.values)}")
    return Text("\n".join(present.show_value(each.values[name]) for each in reports))


def show_reports(reports: list[Report] | Text) -> str:
    """`=====> blog app information` and a line per value."""
    if isinstance(reports, Text):
        return reports.text
    return "\n".join(_show(each) for each in reports)


def _show(each: Report) -> str:
    lines = [
        (name.replace("-", " ").capitalize() + ":", present.show_value(value)) for name, value in each.values.items()
    ]
    width = max((len(key) for key, _ in lines), default=0) + 2
    head = present.heading(f"{each.app} {each.topic} information")
    return "\n".join([head, *(f"       {key:<{width}}{value}".rstrip() for key, value in lines)])
