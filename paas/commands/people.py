"""Whom does a command mean? The user named with --user, for administrators, else the caller; and finding users."""

from __future__ import annotations

import re

from paas.context import Context
from paas.errors import BadInputError, ForbiddenError, NotFoundError
from paas.model import Session, User, select

_USER_NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}", re.ASCII)


def check_user_name(name: str) -> str:
    """Return `name` if a user may be called so. Raises BadInputError (code `user-name`)."""
    if not _USER_NAME.fullmatch(name):
        raise BadInputError(
            f"{name[:40]!a} cannot be a user's name", "use lower-case letters, digits, . _ -: ana", code="user-name"
        )
    return name


def find_user(session: Session, name: str) -> User:
    """Raises NotFoundError (code `user-not-found`)."""
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise NotFoundError(f"User {name[:40]!a} does not exist", "users:list", code="user-not-found")
    return user


def meant_user(session: Session, ctx: Context, name: str) -> User:
    """The user that is meant: the caller, or for administrators anyone."""
    if name and name != ctx.caller.name:
        if ctx.caller.role != "admin":
            raise ForbiddenError("Only administrators act for others", f"leave out --user {name}")
        return find_user(session, name)
    if ctx.caller.user_id is None:
        raise BadInputError("Whose? root itself has no account here", "add --user NAME", code="user-missing")
    return find_user(session, ctx.caller.name)
