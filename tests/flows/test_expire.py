from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from paas.flows.expire import expire
from paas.flows.prune import queue_prune
from paas.model import App, Database, Job, LoginFailure, Ticket, User, WebSession, select
from tests.fakes.platform import worker_platform


def test_what_is_too_old_goes_and_the_rest_stays(database: Database, tmp_path: Path) -> None:
    on = worker_platform(database, tmp_path)
    now = on.clock.now()
    with database.write() as session:
        session.add(App(id="app00001", name="blog", created_at=now))
        session.add(User(id=1, name="ana", role="member", created_at=now))
        session.flush()
        for name, minutes in (("old", -1), ("fresh", 1)):
            expires_at = now + timedelta(minutes=minutes)
            session.add(
                Ticket(id=name, app_id="app00001", payload={}, created_by="ana", created_at=now, expires_at=expires_at)
            )
            session.add(
                WebSession(id=name, user_id=1, created_at=now, seen_at=now, expires_at=expires_at, address="", agent="")
            )
        session.add(LoginFailure(subject="old", at=now - timedelta(seconds=on.settings.login_lockout)))
        session.add(LoginFailure(subject="fresh", at=now))
    expire(on)
    with database.read() as session:
        assert session.scalars(select(Ticket.id)).all() == ["fresh"]
        assert session.scalars(select(WebSession.id)).all() == ["fresh"]
        assert session.scalars(select(LoginFailure.subject)).all() == ["fresh"]


def test_pruning_is_queued_once(database: Database, tmp_path: Path) -> None:
    on = worker_platform(database, tmp_path)
    queue_prune(on)
    queue_prune(on)
    with database.read() as session:
        (job,) = session.scalars(select(Job)).all()
    assert (job.kind, job.app_id, job.payload, job.via) == ("prune", None, {"kind": "prune"}, "timetable")
