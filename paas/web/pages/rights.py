"""Which buttons does somebody get? Those that the gate would let them press; for the others its reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from paas.commands.call import app_for
from paas.commands.declare import find
from paas.context import Context
from paas.errors import ForbiddenError
from paas.rules.access import Level


def refusals(ctx: Context, app: str) -> Callable[[str], str]:
    """For a command: why this caller may not call it on the app, "" when they may. Raises AppNotFoundError."""

    @cache
    def of_level(needed: Level) -> str:
        try:
            app_for(ctx, app, needed)
        except ForbiddenError as error:
            return error.message
        return ""

    def lacks(name: str) -> str:
        declared = find(name)
        needed = declared.needs_level if declared else None
        return of_level(needed) if needed else ""

    return lacks
