"""Who is known? Users, their SSH keys, API tokens, web sessions, and what they may do with which app."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from paas.model.base import Base


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]  # admin, member
    password_hash: Mapped[str | None]  # argon2; None: no web sign-in
    created_at: Mapped[datetime]
    is_disabled: Mapped[bool] = mapped_column(default=False)


class SshKey(Base):
    __tablename__ = "ssh_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(unique=True)  # SHA256:...
    kind: Mapped[str]  # ssh-ed25519 ...
    public_key: Mapped[str]  # base64 of the blob
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class ApiToken(Base):
    """A bearer token `paas_<prefix>_<secret>`; only SHA-256 of the secret is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[str]
    scope: Mapped[str]  # read, deploy, full
    apps: Mapped[list[str]] = mapped_column(default=list)  # app ids; empty: all that the user may
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class WebSession(Base):
    """A sign-in of the dashboard; the cookie holds the secret, we keep its SHA-256."""

    __tablename__ = "web_session"

    id: Mapped[str] = mapped_column(primary_key=True)  # SHA-256 of the cookie's secret
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str]
    agent: Mapped[str]


class LoginFailure(Base):
    """Failed sign-ins, by account name and by address, for the lock-out."""

    __tablename__ = "login_failure"
    __table_args__ = (Index("ix_login_failure_subject_at", "subject", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]  # "user:ana" or "address:192.0.2.7"
    at: Mapped[datetime]


class Grant(Base):
    """What a user may do with an app: view < deploy < operate < own."""

    __tablename__ = "grant"
    __table_args__ = (UniqueConstraint("user_id", "app_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"), index=True)
    level: Mapped[str]
