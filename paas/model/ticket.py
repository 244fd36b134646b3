"""Who may open which interactive session? One-time tickets, spent by the worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from paas.model.base import Base

LIFETIME = timedelta(seconds=30)


class Ticket(Base):
    __tablename__ = "ticket"

    id: Mapped[str] = mapped_column(primary_key=True)  # SHA-256 of the secret that the door holds
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"))
    payload: Mapped[dict[str, Any]]  # rules.jobs.ConsoleOrder
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


def spend_ticket(session: Session, ticket_id: str, now: datetime) -> Ticket | None:
    """The ticket if it is there, unspent and fresh; it is gone afterwards. In a writing transaction."""
    ticket = session.scalar(select(Ticket).where(Ticket.id == ticket_id, Ticket.expires_at > now))
    spent = session.execute(delete(Ticket).where(Ticket.id == ticket_id))
    return ticket if ticket is not None and getattr(spent, "rowcount", 0) == 1 else None
