"""users:* - who has an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from paas.commands.declare import Help, command
from paas.commands.passwords import hash_password, new_password
from paas.commands.people import check_user_name, find_user
from paas.commands.results import Done
from paas.context import Context
from paas.errors import BadInputError, ConflictError
from paas.model import Event, IntegrityError, Job, Session, SshKey, User, WebSession, delete, func, select, update

Role = Literal["admin", "member"]


@dataclass(frozen=True)
class UserView:
    name: str
    role: str
    keys: int
    disabled: bool
    created_at: datetime


@dataclass(frozen=True)
class NewAccount:
    """The password is shown this once."""

    name: str
    role: str
    password: str


@command("users:add", allow="admin", api="POST /users")
def add(ctx: Context, name: str, *, role: Annotated[Role, Help("admin or member")] = "member") -> NewAccount:
    """Create an account; its password is shown once.

    $ ssh paas@host users:add ana --role member
    """
    check_user_name(name)
    password = new_password()
    taken = ConflictError(f"There is a user {name} already", f"users:set {name}", code="user-exists")
    user = User(name=name, role=role, password_hash=hash_password(password), created_at=ctx.on.clock.now())
    try:
        with ctx.on.database.write() as session:
            session.add(user)
            session.flush()
    except IntegrityError:
        raise taken from None
    return NewAccount(name, role, password)


@command("users:list", allow="admin", api="GET /users", aliases=("users",))
def list_(ctx: Context) -> list[UserView]:
    """List the accounts.

    $ ssh paas@host users:list
    """
    with ctx.on.database.read() as session:
        counted = session.execute(select(SshKey.user_id, func.count()).group_by(SshKey.user_id))
        keys = {user_id: int(count) for user_id, count in counted}
        users = list(session.scalars(select(User).order_by(User.name)))
    return [UserView(user.name, user.role, keys.get(user.id, 0), user.is_disabled, user.created_at) for user in users]


@command("users:remove", allow="admin", api="DELETE /users/{name}", dangerous=True)
def remove(ctx: Context, name: str) -> Done:
    """Remove an account with its keys, tokens and grants. Apps stay.

    $ ssh paas@host users:remove ana --force
    """
    with ctx.on.database.write() as session:
        user = find_user(session, name)
        _keep_an_admin(session, user)
        for table in (Event, Job):  # they stay, under the name; SQLite may give the number to the next account
            session.execute(update(table).where(table.user_id == user.id).values(user_id=None))
        session.delete(user)
    return Done(f"Removed {name}")


@command("users:set", allow="admin", api="PATCH /users/{name}")
def set_(
    ctx: Context,
    name: str,
    *,
    role: Annotated[Role | None, Help("admin or member")] = None,
    disable: Annotated[bool, Help("let no key, token or password of theirs in")] = False,
    enable: Annotated[bool, Help("let them in again")] = False,
    password: Annotated[bool, Help("give them a new password, shown once, and end their sign-ins")] = False,
) -> Done | NewAccount:
    """Change an account's role, let it in or not, or give it a new password.

    $ ssh paas@host users:set ana --role admin
    """
    if disable and enable:
        raise BadInputError("Either --disable or --enable", "users:set NAME --disable", code="usage")
    said = new_password() if password else ""
    with ctx.on.database.write() as session:
        user = find_user(session, name)
        if disable or role == "member":
            _keep_an_admin(session, user)
        user.role = role or user.role
        user.is_disabled = disable or (user.is_disabled and not enable)
        if said:
            user.password_hash = hash_password(said)
        if said or disable:
            session.execute(delete(WebSession).where(WebSession.user_id == user.id))
    return NewAccount(name, user.role, said) if said else Done(f"Changed {name}")


def _keep_an_admin(session: Session, user: User) -> None:
    others = session.scalar(
        select(func.count()).where(User.role == "admin", User.is_disabled.is_(False), User.id != user.id)
    )
    if user.role == "admin" and not others:
        raise ConflictError(f"{user.name} is the only administrator", "users:set OTHER --role admin", code="last-admin")
