"""checks:* - how one release gives way to the next: here, for how long old connections are waited for."""

from __future__ import annotations

from typing import Any

from paas.commands.declare import command
from paas.commands.limits import store_seconds
from paas.commands.reports import Flag, Report, report, show_reports
from paas.commands.results import Done, Text
from paas.commands.words import AnyApp, TheApp
from paas.context import Context
from paas.errors import BadInputError
from paas.model import App, Session
from paas.rules.limits import DRAIN_TIMEOUT, limit_of

WAIT_TO_RETIRE = "wait-to-retire"


@command("checks:set", allow="operate", api="PUT /apps/{app}/checks/{key}")
def set_(ctx: Context, app: TheApp, key: str, value: str = "") -> Done:
    """Set wait-to-retire, the seconds for which old copies are left to end what they were asked.

    A copy that nobody speaks to any more goes at once. Without a value the installation's is back.

    $ ssh paas@host checks:set blog wait-to-retire 120
    """
    if key != WAIT_TO_RETIRE:
        raise BadInputError(f"{key[:40]!a} is no checks property", f"known: {WAIT_TO_RETIRE}", code="property")
    store_seconds(ctx, app, DRAIN_TIMEOUT, value)
    return Done(f"Setting {key} to {value}" if value else f"Unsetting {key}")


@command("checks:report", allow="view", api="GET /checks-reports", aliases=("checks",), show=show_reports)
def report_(ctx: Context, app: AnyApp = None, flag: Flag = "") -> list[Report] | Text:
    """Show for how long old copies of one app or of all are waited for; computed is what counts.

    $ ssh paas@host checks:report blog --checks-computed-wait-to-retire
    """
    usual = ctx.on.settings.drain_timeout

    def facts(session: Session, each: App) -> dict[str, Any]:
        return {
            "checks-disabled-list": "none",
            "checks-skipped-list": "none",
            "checks-computed-wait-to-retire": f"{limit_of(each.process_settings, DRAIN_TIMEOUT, usual):g}",
            "checks-global-wait-to-retire": f"{usual:g}",
            "checks-wait-to-retire": each.process_settings.get(DRAIN_TIMEOUT, ""),
        }

    return report(ctx, app, flag, "checks", facts)
