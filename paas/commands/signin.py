"""May this person sign in with a password? Argon2, and a lock-out by account and by address."""

from __future__ import annotations

import threading
from datetime import timedelta

from paas.commands.callers import open_session
from paas.commands.passwords import is_password
from paas.commands.present import storable
from paas.context import Platform
from paas.errors import UnauthenticatedError
from paas.model import Event, LoginFailure, User, delete, func, select

AT_ONCE = 2  # each comparison takes 64 MB for a moment
_comparing = threading.BoundedSemaphore(AT_ONCE)


class LockedOutError(UnauthenticatedError):
    """Too many failed sign-ins; the account's owner and the address must wait."""

    code = "locked-out"
    http_status = 429


def sign_in(on: Platform, name: str, password: str, address: str, agent: str) -> str:
    """The secret of a new session. Raises UnauthenticatedError or LockedOutError; both tell nothing of the account."""
    subjects = (f"user:{name[:64]}", f"address:{address}")
    with _comparing:  # also around the look at the failures: a thousand guesses at once are no way around it
        _refuse_locked(on, subjects)
        with on.database.read() as session:
            user = session.scalar(select(User).where(User.name == name)) if _can_be_a_name(name) else None
        is_right = is_password(user.password_hash if user else None, password)
        if user is None or not is_right or user.is_disabled:
            _remember_failure(on, subjects)
            _record(on, name, None, address, "unauthenticated")
            raise UnauthenticatedError(
                "Name or password is wrong", "an administrator can give a new one: users:set NAME --password"
            )
    with on.database.write() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.subject.in_(subjects)))
    secret = open_session(on, user.id, address, agent, proof=user.password_hash)
    _record(on, user.name, user.id, address, "ok")
    return secret


def _can_be_a_name(name: str) -> bool:
    return name.isascii() and name.isprintable() and len(name) <= 64


def _refuse_locked(on: Platform, subjects: tuple[str, ...]) -> None:
    since = on.clock.now() - timedelta(seconds=on.settings.login_lockout)
    with on.database.read() as session:
        counts = session.execute(
            select(LoginFailure.subject, func.count())
            .where(LoginFailure.subject.in_(map(storable, subjects)), LoginFailure.at > since)
            .group_by(LoginFailure.subject)
        )
        worst = max((int(count) for _, count in counts), default=0)
    if worst >= on.settings.login_failures:
        minutes = max(1, round(on.settings.login_lockout / 60))
        raise LockedOutError("Too many failed sign-ins", f"wait {minutes} minutes, or use SSH")


def _remember_failure(on: Platform, subjects: tuple[str, ...]) -> None:
    now = on.clock.now()
    with on.database.write() as session:
        session.add_all(LoginFailure(subject=storable(subject), at=now) for subject in subjects)


def _record(on: Platform, name: str, user_id: int | None, address: str, result: str) -> None:
    with on.database.write() as session:
        session.add(
            Event(
                at=on.clock.now(), actor=storable(name[:64]), user_id=user_id, via="web", address=address,
                action="sign-in", app_id=None, app_name=None, result=result, job_id=None,
            )
        )  # fmt: skip
