"""What is too old to be of use? Tickets nobody spent, sessions that ended, failed sign-ins that are forgiven."""

from __future__ import annotations

from datetime import timedelta

from paas.context import WorkerPlatform
from paas.model import LoginFailure, Ticket, WebSession, delete


def expire(on: WorkerPlatform) -> None:
    now = on.clock.now()
    forgiven = now - timedelta(seconds=on.settings.login_lockout)
    with on.database.write() as session:
        session.execute(delete(Ticket).where(Ticket.expires_at <= now))
        session.execute(delete(WebSession).where(WebSession.expires_at <= now))
        session.execute(delete(LoginFailure).where(LoginFailure.at <= forgiven))
