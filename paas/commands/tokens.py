"""tokens:* - bearer tokens for the API: scoped, expiring, kept as hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from paas.commands.call import app_for
from paas.commands.callers import new_token
from paas.commands.declare import Help, command
from paas.commands.people import meant_user
from paas.commands.results import Done
from paas.commands.ssh_keys import ForUser
from paas.context import Context
from paas.errors import BadInputError, ForbiddenError, NotFoundError
from paas.model import ApiToken, select

MOST_DAYS = 3660


@dataclass(frozen=True)
class TokenView:
    name: str
    prefix: str
    scope: str
    apps: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked: bool


@dataclass(frozen=True)
class CreatedToken:
    """The token is shown this once."""

    name: str
    token: str
    scope: str
    expires_at: datetime | None


@command("tokens:create", allow="self", api="POST /tokens")
def create(
    ctx: Context,
    name: str,
    *,
    scope: Annotated[Literal["read", "deploy", "full"], Help("read, deploy or full")] = "full",
    days: Annotated[int, Help("days until it expires; 0: never")] = 90,
    only: Annotated[str, Help("limit it to these apps, separated by commas")] = "",
    user: ForUser = "",
) -> CreatedToken:
    """Make a bearer token for the API; it is shown once.

    $ ssh paas@host tokens:create ci --scope deploy --only blog
    """
    if ctx.caller.via == "api" and ctx.caller.scope != "full":
        raise ForbiddenError("A limited token makes no tokens", "sign in, or use SSH")
    if not 0 <= days <= MOST_DAYS or not name.isprintable() or not 0 < len(name) <= 64:
        raise BadInputError(f"A token has a name and 0 to {MOST_DAYS} days", "tokens:create ci --days 90", code="token")
    apps = [app_for(ctx, each.strip(), "view").id for each in only.split(",") if each.strip()]
    made, now = new_token(), ctx.on.clock.now()
    expires = now + timedelta(days=days) if days else None
    with ctx.on.database.write() as session:
        owner = meant_user(session, ctx, user)
        session.add(
            ApiToken(
                user_id=owner.id,
                name=name,
                prefix=made.prefix,
                secret_hash=made.secret_hash,
                scope=scope,
                apps=apps,
                created_at=now,
                expires_at=expires,
            )
        )
    return CreatedToken(name, made.token, scope, expires)


@command("tokens:list", allow="self", api="GET /tokens", aliases=("tokens",))
def list_(ctx: Context, *, user: ForUser = "") -> list[TokenView]:
    """List your tokens; the tokens themselves are not kept.

    $ ssh paas@host tokens:list
    """
    with ctx.on.database.read() as session:
        owner = meant_user(session, ctx, user)
        rows = list(session.scalars(select(ApiToken).where(ApiToken.user_id == owner.id).order_by(ApiToken.id)))
    return [
        TokenView(
            row.name,
            row.prefix,
            row.scope,
            row.apps,
            row.created_at,
            row.expires_at,
            row.last_used_at,
            row.revoked_at is not None,
        )
        for row in rows
    ]


@command("tokens:revoke", allow="self", api="DELETE /tokens/{name}")
def revoke(ctx: Context, name: str, *, user: ForUser = "") -> Done:
    """Revoke a token by its name or prefix, at once.

    $ ssh paas@host tokens:revoke ci
    """
    with ctx.on.database.write() as session:
        owner = meant_user(session, ctx, user)
        rows = list(
            session.scalars(
                select(ApiToken).where(
                    ApiToken.user_id == owner.id,
                    (ApiToken.name == name) | (ApiToken.prefix == name),
                    ApiToken.revoked_at.is_(None),
                )
            )
        )
        if not rows:
            raise NotFoundError(f"{owner.name} has no token {name[:60]!a}", "tokens:list", code="token-not-found")
        for row in rows:
            row.revoked_at = ctx.on.clock.now()
    return Done(f"Revoked {name}")
