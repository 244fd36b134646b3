"""Who is this? From an SSH key, a bearer token, a web session or root's own terminal to a Caller."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from paas.context import Caller, Platform, Role, Scope
from paas.errors import UnauthenticatedError
from paas.model import ApiToken, SshKey, User, WebSession, select, update

SEEN_GRANULARITY = timedelta(minutes=1)  # last-used times are not written more often than this


def caller_by_key(on: Platform, fingerprint: str, address: str, *, via: str = "ssh") -> Caller | None:
    """The user with this key (`SHA256:...`), None for a stranger. Writes nothing: clients ask about others' keys."""
    with on.database.read() as session:
        row = session.execute(
            select(User, SshKey).join(SshKey, SshKey.user_id == User.id).where(SshKey.fingerprint == fingerprint)
        ).first()
    if row is None or row[0].is_disabled:
        return None
    return _caller(row[0], "git" if via == "git" else "ssh", address=address, session=fingerprint)


def note_key_used(on: Platform, fingerprint: str) -> None:
    """Remember that a session was opened with this key; at most once a minute."""
    now = on.clock.now()
    with on.database.read() as session:
        last = session.scalar(select(SshKey.last_used_at).where(SshKey.fingerprint == fingerprint))
    if last is None or now - last > SEEN_GRANULARITY:
        with on.database.write() as session:
            session.execute(update(SshKey).where(SshKey.fingerprint == fingerprint).values(last_used_at=now))


@dataclass(frozen=True)
class NewToken:
    """The whole token is shown once; prefix and hash are kept."""

    token: str
    prefix: str
    secret_hash: str


def new_token() -> NewToken:
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    return NewToken(f"paas_{prefix}_{secret}", prefix, _hash(secret))


def caller_by_token(on: Platform, token: str, address: str) -> Caller:
    """The caller of a bearer token `paas_<prefix>_<secret>`. Raises UnauthenticatedError, always in the same words."""
    refusal = UnauthenticatedError("This token is unknown, expired or revoked", "tokens:create NAME makes one")
    kind, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    now = on.clock.now()
    with on.database.read() as session:
        row = session.execute(
            select(User, ApiToken).join(ApiToken, ApiToken.user_id == User.id).where(ApiToken.prefix == prefix)
        ).first()
    if kind != "paas" or row is None:
        raise refusal
    user, known = row
    is_right = hmac.compare_digest(known.secret_hash.encode(), _hash(secret).encode())
    if not is_right or user.is_disabled or known.revoked_at or (known.expires_at and known.expires_at <= now):
        raise refusal
    if known.last_used_at is None or now - known.last_used_at > SEEN_GRANULARITY:
        with on.database.write() as session:
            session.execute(update(ApiToken).where(ApiToken.id == known.id).values(last_used_at=now))
    return _caller(user, "api", scope=known.scope, address=address, session=prefix, apps=tuple(known.apps))


def open_session(on: Platform, user_id: int, address: str, agent: str, *, proof: str | None = None) -> str:
    """Sign a user in; the secret for the cookie. `proof`: the password's hash that was compared.

    Raises UnauthenticatedError when the account went, or its password was changed since: that ended its sign-ins.
    """
    secret, now = secrets.token_urlsafe(32), on.clock.now()
    with on.database.write() as session:
        user = session.get(User, user_id)
        if user is None or (proof is not None and user.password_hash != proof):
            raise UnauthenticatedError("The password was changed just now", "sign in again")
        session.add(
            WebSession(
                id=_hash(secret),
                user_id=user_id,
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(seconds=on.settings.session_lifetime),
                address=address,
                agent=agent[:200],
            )
        )
    return secret


def caller_by_session(on: Platform, secret: str, address: str) -> Caller | None:
    """The signed-in user of a cookie's secret, None when the session ended."""
    now = on.clock.now()
    with on.database.read() as session:
        row = session.execute(
            select(User, WebSession)
            .join(WebSession, WebSession.user_id == User.id)
            .where(WebSession.id == _hash(secret))
        ).first()
    if row is None or row[0].is_disabled or row[1].expires_at <= now:
        return None
    if now - row[1].seen_at > SEEN_GRANULARITY:
        with on.database.write() as session:
            session.execute(update(WebSession).where(WebSession.id == row[1].id).values(seen_at=now, address=address))
    return _caller(row[0], "web", address=address, session=row[1].id)


def close_session(on: Platform, secret: str) -> None:
    with on.database.write() as session:
        found = session.get(WebSession, _hash(secret))
        if found is not None:
            session.delete(found)


def local_root() -> Caller:
    """Root at the machine's own terminal: an administrator without a row."""
    return Caller(user_id=None, name="root", role="admin", via="cli")


def timetable() -> Caller:
    """The platform itself."""
    return Caller(user_id=None, name="paas", role="admin", via="timetable")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _caller(
    user: User, via: str, *, address: str, session: str, scope: str = "full", apps: tuple[str, ...] = ()
) -> Caller:
    return Caller(
        user_id=user.id,
        name=user.name,
        role=_ROLES.get(user.role, "member"),
        via=via,  # type: ignore[arg-type] # one of context.Via by construction
        scope=_SCOPES.get(scope, "read"),
        address=address,
        session=session,
        token_apps=apps,
    )


_ROLES: dict[str, Role] = {"admin": "admin", "member": "member"}
_SCOPES: dict[str, Scope] = {"read": "read", "deploy": "deploy", "full": "full"}
