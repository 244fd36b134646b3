"""Which apps does `--all` mean, and in which order are they dealt with?"""

from __future__ import annotations

from collections.abc import Iterator

from paas.commands.call import authorise, level_of, visible_apps
from paas.commands.declare import Command
from paas.context import Context
from paas.errors import UsageError
from paas.rules.access import is_enough


def every_app(declared: Command, ctx: Context) -> list[str]:
    """The deployed apps for which this caller may run it. Raises ForbiddenError for what the role rules out."""
    authorise(declared, ctx.caller)
    needed = declared.needs_level or "view"
    with ctx.on.database.read() as session:
        apps = [app for app in visible_apps(session, ctx.caller) if app.current_release_id is not None]
        return [app.name for app in apps if is_enough(level_of(session, ctx.caller, app.id), needed)]


def batches(names: list[str], parallel: int) -> Iterator[list[str]]:
    """`parallel` names at a time, -1: all at once, as Dokku counts. Raises UsageError for another number."""
    if parallel != -1 and not 1 <= parallel <= 1000:
        raise UsageError("--parallel is a number of apps, or -1 for all at once", "ps:restart --all --parallel 2")
    size = len(names) if parallel == -1 else parallel
    return (names[start : start + size] for start in range(0, len(names), size or 1))
