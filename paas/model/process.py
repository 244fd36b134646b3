"""Which containers ought to exist, at which address? One row per start of a copy, kept while its container exists."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from paas.model.base import Base


class Process(Base):
    """state: starting (not yet serving), live, retiring (drains, then goes), gone is no row.

    `is_routed`: nginx is to know it. Told a moment before the state changes, so that a deploy of another app that
    renders all sites in that moment renders these too.
    `restarts`, `crashed_at` and `retry_at` belong to the back-off of a copy that keeps dying.
    """

    __tablename__ = "process"
    __table_args__ = (Index("ix_process_app_state", "app_id", "state"),)

    container: Mapped[str] = mapped_column(primary_key=True)  # names.container_name(...)
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"))
    process_type: Mapped[str]
    copy: Mapped[int]
    rollout: Mapped[int]
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    job_id: Mapped[int | None]  # that started it
    state: Mapped[str]
    is_routed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    retire_since: Mapped[datetime | None]
    restarts: Mapped[int] = mapped_column(default=0)
    crashed_at: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    exit_code: Mapped[int | None]


class Address(Base):
    """An address in an app's network. Held by a container, then rests until no old nginx worker knows it."""

    __tablename__ = "address"

    address: Mapped[str] = mapped_column(primary_key=True)  # "10.208.0.2"
    app_id: Mapped[str] = mapped_column(index=True)  # no foreign key: it outlives a destroyed app while it rests
    container: Mapped[str | None] = mapped_column(index=True)
    released_at: Mapped[datetime | None]


class RestingSubnet(Base):
    """A destroyed app's subnet, not given out again until every nginx worker from before is gone."""

    __tablename__ = "resting_subnet"

    subnet: Mapped[str] = mapped_column(primary_key=True)
    released_at: Mapped[datetime]


def processes_of(session: Session, app_id: str, *states: str) -> list[Process]:
    query = select(Process).where(Process.app_id == app_id)
    if states:
        query = query.where(Process.state.in_(states))
    return list(session.scalars(query.order_by(Process.process_type, Process.copy, Process.rollout)))
