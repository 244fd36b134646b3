"""How is an interactive session admitted? By a one-time ticket row, whose secret the door shows to the worker."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol

from paas.commands.results import InteractiveSession
from paas.context import Context
from paas.model import Ticket
from paas.model.ticket import LIFETIME


class Screen(Protocol):
    @property
    def is_tty(self) -> bool: ...

    @property
    def columns(self) -> int: ...

    @property
    def rows(self) -> int: ...


def open_ticket(ctx: Context, session: InteractiveSession, screen: Screen) -> str:
    """Write the ticket for the caller's screen; its secret, good for 30 s and one use."""
    secret, now = secrets.token_urlsafe(32), ctx.on.clock.now()
    order = session.order.model_copy(
        update={
            "tty": screen.is_tty and session.wants_terminal,
            "columns": max(1, min(1000, screen.columns)),
            "rows": max(1, min(1000, screen.rows)),
        }
    )
    with ctx.on.database.write() as database:
        database.add(
            Ticket(
                id=hashlib.sha256(secret.encode()).hexdigest(),
                app_id=session.app_id,
                payload=order.model_dump(mode="json"),
                created_by=ctx.caller.name,
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
    return secret
