"""events - the audit trail: who did what, by which door, with what result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from paas.commands import present
from paas.commands.call import visible_apps
from paas.commands.declare import Help, Short, command
from paas.commands.words import AnyApp
from paas.context import Context
from paas.model import Event, or_, select


@dataclass(frozen=True)
class EventView:
    at: datetime
    actor: str
    via: str
    address: str
    action: str
    app: str | None
    target: str
    result: str
    details: dict[str, Any]
    build: int | None


def _show(events: list[EventView]) -> str:
    rows = [(each.at, each.actor, each.via, each.action, each.app or each.target, each.result) for each in events]
    return present.table(("when", "who", "by", "what", "on", "result"), rows)


@command("events", allow="self", api="GET /events", show=_show)
def events(
    ctx: Context, app: AnyApp = None, *, num: Annotated[int, Short("n"), Help("how many")] = 50
) -> list[EventView]:
    """List the latest events, newest first: all for administrators, else your own and those of your apps.

    $ ssh paas@host events blog -n 20
    """
    query = select(Event).order_by(Event.id.desc()).limit(max(1, min(num, 1000)))
    with ctx.on.database.read() as session:
        if app is not None:
            query = query.where(Event.app_id == app.id)
        elif ctx.caller.token_apps or ctx.caller.role != "admin":
            of_apps = Event.app_id.in_([each.id for each in visible_apps(session, ctx.caller)])
            is_own = Event.user_id == ctx.caller.user_id
            query = query.where(of_apps if ctx.caller.token_apps else or_(is_own, of_apps))
        rows = list(session.scalars(query))
    return [
        EventView(
            at=row.at,
            actor=row.actor,
            via=row.via,
            address=row.address,
            action=row.action,
            app=row.app_name,
            target=row.target,
            result=row.result,
            details=row.details,
            build=row.job_id,
        )
        for row in rows
    ]
