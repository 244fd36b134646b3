"""nginx:* - what nginx does for one app otherwise than for the rest."""

from __future__ import annotations

from typing import Any

from paas.commands.declare import command
from paas.commands.limits import store_upload_limit
from paas.commands.queue import enqueue
from paas.commands.reports import Flag, Report, report, show_reports
from paas.commands.results import JobStarted, Text
from paas.commands.words import AnyApp, TheApp
from paas.context import Context
from paas.errors import BadInputError
from paas.model import App, Session
from paas.rules.jobs import Route
from paas.rules.limits import UPLOAD_LIMIT, limit_of, show_size


@command("nginx:set", allow="operate", api="PUT /apps/{app}/nginx/{key}")
def set_(ctx: Context, app: TheApp, key: str, value: str = "") -> JobStarted:
    """Set client-max-body-size, the largest upload; without a value the installation's is back.

    $ ssh paas@host nginx:set blog client-max-body-size 50m
    """
    if key != "client-max-body-size":
        raise BadInputError(f"{key[:40]!a} is no nginx property", "known: client-max-body-size", code="property")
    with ctx.on.database.write() as session:
        store_upload_limit(session, app, value)
        job = enqueue(session, ctx, app, Route())
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Setting {key} to {value}" if value else f"Unsetting {key}")


@command("nginx:report", allow="view", api="GET /nginx-reports", show=show_reports)
def report_(ctx: Context, app: AnyApp = None, flag: Flag = "") -> list[Report] | Text:
    """Show what nginx does for one app or for all; computed is what counts.

    $ ssh paas@host nginx:report blog --nginx-client-max-body-size
    """
    usual = ctx.on.settings.upload_limit

    def facts(session: Session, each: App) -> dict[str, Any]:
        own = int(limit_of(each.proxy_settings, UPLOAD_LIMIT, 0))
        return {
            "nginx-client-max-body-size": show_size(own) if own else "",
            "nginx-computed-client-max-body-size": show_size(own or usual),
            "nginx-global-client-max-body-size": show_size(usual),
        }

    return report(ctx, app, flag, "nginx", facts)
