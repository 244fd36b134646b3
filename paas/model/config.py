"""Which variables does an app want? Rows hold sealed values (see ports.Vault), never plain ones.

`config` is what is wanted. A change that rolls is a `config_change` row of its own, which its job refers to, and which
the transaction that makes the release current writes into `config`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from paas.model.base import Base


class ConfigVariable(Base):
    __tablename__ = "config_variable"

    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    is_build: Mapped[bool] = mapped_column(default=False)  # also given to builds, as a BuildKit secret
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class ConfigChange(Base):
    """Keys set and unset by one call of config:set|unset|import. `sealed`: JSON {key: value} of those set."""

    __tablename__ = "config_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes]
    unset: Mapped[list[str]] = mapped_column(default=list)
    build_keys: Mapped[list[str]] = mapped_column(default=list)  # of those set: marked `build`
    replaces_all: Mapped[bool] = mapped_column(default=False)  # a rollback or a restore: the whole config becomes this
    created_at: Mapped[datetime]
    created_by: Mapped[str]


def config_of(session: Session, app_id: str) -> dict[str, ConfigVariable]:
    """The wanted variables by key, sorted."""
    rows = session.scalars(select(ConfigVariable).where(ConfigVariable.app_id == app_id).order_by(ConfigVariable.key))
    return {row.key: row for row in rows}
