"""ssh-keys:* - which keys sign in as whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from paas.commands.declare import FromStdin, Help, command
from paas.commands.people import meant_user
from paas.commands.results import Done
from paas.context import Context
from paas.errors import BadInputError, ConflictError, NotFoundError
from paas.model import SshKey, User, select
from paas.rules.publickey import read_public_key

ForUser = Annotated[str, Help("act for this user (administrators)")]


@dataclass(frozen=True)
class KeyView:
    name: str
    user: str
    kind: str
    fingerprint: str
    created_at: datetime
    last_used_at: datetime | None


def _show(keys: list[KeyView]) -> str:
    return "\n".join(f'{key.fingerprint} NAME="{key.name}" USER="{key.user}" KIND="{key.kind}"' for key in keys)


@command("ssh-keys:add", allow="self", api="POST /ssh-keys")
def add(
    ctx: Context,
    name: str,
    *,
    public_key: Annotated[str, FromStdin(), Help("the line of the .pub file; read from stdin when not given")],
    user: ForUser = "",
) -> Done:
    """Let a key sign in as you.

    $ ssh paas@host ssh-keys:add laptop < ~/.ssh/id_ed25519.pub
    """
    if not name.isprintable() or not 0 < len(name) <= 64 or '"' in name:
        raise BadInputError(
            f"{name[:40]!a} cannot be the name of a key", "name it as the machine: laptop", code="key-name"
        )
    key = read_public_key(public_key)
    with ctx.on.database.write() as session:
        owner = meant_user(session, ctx, user)
        if session.scalar(select(SshKey).where(SshKey.fingerprint == key.fingerprint)):
            raise ConflictError("This key is already in use", "ssh-keys:list", code="ssh-key-taken")
        if session.scalar(select(SshKey).where(SshKey.user_id == owner.id, SshKey.name == name)):
            raise ConflictError(f"There is a key named {name} already", f"ssh-keys:remove {name}", code="ssh-key-taken")
        session.add(
            SshKey(
                user_id=owner.id,
                name=name,
                fingerprint=key.fingerprint,
                kind=key.kind,
                public_key=key.blob,
                created_at=ctx.on.clock.now(),
            )
        )
    return Done(f"{key.fingerprint} signs in as {owner.name}")


@command("ssh-keys:list", allow="self", api="GET /ssh-keys", aliases=("ssh-keys",), show=_show)
def list_(
    ctx: Context, *, user: ForUser = "", everyone: Annotated[bool, Help("of all users (administrators)")] = False
) -> list[KeyView]:
    """List your keys.

    $ ssh paas@host ssh-keys:list
    """
    with ctx.on.database.read() as session:
        query = select(SshKey, User).join(User, User.id == SshKey.user_id).order_by(User.name, SshKey.name)
        if not ((everyone or ctx.caller.user_id is None) and ctx.caller.role == "admin" and not user):
            query = query.where(User.id == meant_user(session, ctx, user).id)
        rows = [(key, owner) for key, owner in session.execute(query)]
    return [
        KeyView(key.name, owner.name, key.kind, key.fingerprint, key.created_at, key.last_used_at)
        for key, owner in rows
    ]


@command("ssh-keys:remove", allow="self", api="DELETE /ssh-keys/{name}")
def remove(ctx: Context, name: str, *, user: ForUser = "") -> Done:
    """Remove a key by its name or fingerprint; open sessions go on.

    $ ssh paas@host ssh-keys:remove laptop
    """
    with ctx.on.database.write() as session:
        owner = meant_user(session, ctx, user)
        key = session.scalar(
            select(SshKey).where(SshKey.user_id == owner.id, (SshKey.name == name) | (SshKey.fingerprint == name))
        )
        if key is None:
            raise NotFoundError(f"{owner.name} has no key {name[:60]!a}", "ssh-keys:list", code="ssh-key-not-found")
        session.delete(key)
    return Done(f"{key.fingerprint} no longer signs in")
