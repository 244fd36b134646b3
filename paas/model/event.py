"""Who did what, by which door, with what result? The audit trail; never a secret in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from paas.model.base import Base


class Event(Base):
    __tablename__ = "event"
    __table_args__ = (Index("ix_event_app_at", "app_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    user_id: Mapped[int | None]
    via: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    action: Mapped[str]  # the command, or "deploy.succeeded" ...
    app_id: Mapped[str | None]
    app_name: Mapped[str | None]  # as it was
    target: Mapped[str] = mapped_column(default="")
    result: Mapped[str]  # ok, or the error's code
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    job_id: Mapped[int | None]
