"""Who is at the browser? Sign-in with a lock-out by account and by address, and the cookie that remembers it."""

from __future__ import annotations

from datetime import timedelta

from flask import Request
from werkzeug.wrappers import Response

from paas.commands.callers import caller_by_session, close_session, open_session
from paas.commands.passwords import is_password
from paas.context import Caller, Platform
from paas.errors import UnauthenticatedError
from paas.model import Event, LoginFailure, User, delete, func, select

SECURE_COOKIE, PLAIN_COOKIE = "__Host-paas", "paas"


class LockedOutError(UnauthenticatedError):
    """Too many failed sign-ins; the account's owner and the address must wait."""

    code = "locked-out"
    http_status = 429


def cookie_name(on: Platform) -> str:
    return SECURE_COOKIE if on.settings.is_https else PLAIN_COOKIE


def session_secret(on: Platform, request: Request) -> str:
    return request.cookies.get(cookie_name(on), "")


def signed_in(on: Platform, request: Request) -> Caller | None:
    secret = session_secret(on, request)
    return caller_by_session(on, secret, request.remote_addr or "") if secret else None


def sign_in(on: Platform, name: str, password: str, address: str, agent: str) -> str:
    """The secret of a new session. Raises UnauthenticatedError or LockedOutError; both tell nothing of the account."""
    subjects = (f"user:{name[:64]}", f"address:{address}")
    _refuse_locked(on, subjects)
    with on.database.read() as session:
        user = session.scalar(select(User).where(User.name == name))
    is_right = is_password(user.password_hash if user else None, password)
    if user is None or not is_right or user.is_disabled:
        with on.database.write() as session:
            session.add_all(LoginFailure(subject=subject, at=on.clock.now()) for subject in subjects)
        _record(on, name, None, address, "unauthenticated")
        raise UnauthenticatedError(
            "Name or password is wrong", "an administrator can give a new one: users:set NAME --password"
        )
    with on.database.write() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.subject.in_(subjects)))
    _record(on, name, user.id, address, "ok")
    return open_session(on, user.id, address, agent)


def _refuse_locked(on: Platform, subjects: tuple[str, ...]) -> None:
    since = on.clock.now() - timedelta(seconds=on.settings.login_lockout)
    with on.database.read() as session:
        counts = session.execute(
            select(LoginFailure.subject, func.count())
            .where(LoginFailure.subject.in_(subjects), LoginFailure.at > since)
            .group_by(LoginFailure.subject)
        )
        worst = max((int(count) for _, count in counts), default=0)
    if worst >= on.settings.login_failures:
        minutes = max(1, round(on.settings.login_lockout / 60))
        raise LockedOutError("Too many failed sign-ins", f"wait {minutes} minutes, or use SSH")


def _record(on: Platform, name: str, user_id: int | None, address: str, result: str) -> None:
    with on.database.write() as session:
        session.add(
            Event(
                at=on.clock.now(), actor=name[:64], user_id=user_id, via="web", address=address, action="sign-in",
                app_id=None, app_name=None, result=result, job_id=None,
            )
        )  # fmt: skip


def remember(on: Platform, response: Response, secret: str) -> Response:
    """Set the cookie: host-only, HttpOnly, and on HTTPS with the __Host- prefix (RFC 6265bis, 4.1.3.2)."""
    response.set_cookie(
        cookie_name(on),
        secret,
        max_age=int(on.settings.session_lifetime),
        secure=on.settings.is_https,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def sign_out(on: Platform, request: Request, response: Response) -> Response:
    secret = session_secret(on, request)
    if secret:
        close_session(on, secret)
    response.delete_cookie(cookie_name(on), path="/", secure=on.settings.is_https, httponly=True, samesite="Lax")
    return response
