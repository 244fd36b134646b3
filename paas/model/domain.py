"""Which host names lead to which app? Added names only: default hosts (APP.DOMAIN) follow from the app's name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from paas.model.base import Base


class Domain(Base):
    __tablename__ = "domain"

    name: Mapped[str] = mapped_column(primary_key=True)  # lower case, perhaps with a leading "*."
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class GlobalSetting(Base):
    """What administrators set at run time for the whole installation: `domains` (list of base domains)."""

    __tablename__ = "global_setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[list[str]]


def domains_of(session: Session, app_id: str) -> list[str]:
    return list(
        session.scalars(select(Domain.name).where(Domain.app_id == app_id).order_by(Domain.created_at, Domain.name))
    )


def base_domains(session: Session, default: str) -> tuple[str, ...]:
    """The base domains, first the one of the dashboard: domains:set-global, else the setting."""
    row = session.get(GlobalSetting, "domains")
    return tuple(row.value) if row and row.value else (default,)
