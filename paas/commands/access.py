"""access:* - what a user may do with an app: view < deploy < operate < own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from paas.commands.declare import Help, command
from paas.commands.people import find_user
from paas.commands.results import Done
from paas.commands.words import TheApp
from paas.context import Context
from paas.errors import NotFoundError
from paas.model import Grant, User, delete, select
from paas.rules.access import Level


@dataclass(frozen=True)
class AccessView:
    user: str
    level: str


@command("access:add", allow="own", api="PUT /apps/{app}/access/{user}")
def add(
    ctx: Context, app: TheApp, user: str, level: Annotated[Level, Help("view, deploy, operate or own")] = "view"
) -> Done:
    """Let a user view, deploy, operate or own an app.

    $ ssh paas@host access:add blog ana deploy
    """
    with ctx.on.database.write() as session:
        meant = find_user(session, user)
        grant = session.scalar(select(Grant).where(Grant.user_id == meant.id, Grant.app_id == app.id))
        if grant is None:
            session.add(Grant(user_id=meant.id, app_id=app.id, level=level))
        else:
            grant.level = level
    return Done(f"{user} may {level} {app.name}")


@command("access:remove", allow="own", api="DELETE /apps/{app}/access/{user}")
def remove(ctx: Context, app: TheApp, user: str) -> Done:
    """Take a user's access to an app away.

    $ ssh paas@host access:remove blog ana
    """
    with ctx.on.database.write() as session:
        meant = find_user(session, user)
        gone = session.execute(delete(Grant).where(Grant.user_id == meant.id, Grant.app_id == app.id))
        if getattr(gone, "rowcount", 0) == 0:
            raise NotFoundError(f"{user} has no access to {app.name}", f"access:list {app.name}", code="no-access")
    return Done(f"{user} has no access to {app.name} any more")


@command("access:list", allow="view", api="GET /apps/{app}/access", aliases=("access",))
def list_(ctx: Context, app: TheApp) -> list[AccessView]:
    """List who may do what with an app; administrators may do all.

    $ ssh paas@host access:list blog
    """
    query = select(User.name, Grant.level).join(Grant, Grant.user_id == User.id).where(Grant.app_id == app.id)
    with ctx.on.database.read() as session:
        return [AccessView(name, level) for name, level in session.execute(query.order_by(User.name))]
