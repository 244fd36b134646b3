from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from paas.flows.expire import expire
from paas.flows.prune import queue_prune
from paas.model import App, ConfigChange, Database, Job, JobStep, LoginFailure, Ticket, User, WebSession, select
from paas.rules.jobs import Stop
from tests.fakes.platform import worker_platform
from tests.flows.stage import Stage


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


def test_old_jobs_go_with_their_logs_and_changes(stage: Stage) -> None:
    failed = stage.queue_config(A="1")
    stage.cancel_queued(failed)
    deploy, stop = stage.queue_push("a"), stage.queue(Stop())
    stage.run(deploy)
    stage.run(stop)
    for job_id in (failed, deploy, stop):
        stage.logs.append(f"jobs/{job_id}.log", "said\n")
    stage.clock.sleep(86400 * (stage.on.settings.job_history_days + 1))
    waiting, recent = stage.queue_config(B="2"), stage.queue(Stop())
    stage.cancel_queued(recent)
    expire(stage.on)
    with stage.on.database.read() as session:
        assert list(session.scalars(select(Job.id).order_by(Job.id))) == [deploy, waiting, recent]
        assert session.scalar(select(JobStep).where(JobStep.job_id == stop)) is None
    assert stage.logs.files("jobs") == [f"jobs/{deploy}.log"], "the release that it made serves"
    stage.run(waiting)
    assert stage.config() == {"B": "2"}
    expire(stage.on)
    with stage.on.database.read() as session:
        assert len(session.scalars(select(ConfigChange)).all()) == 1, "the old one is gone, the recent one is not"


def test_the_newest_job_stays_so_that_its_number_is_not_given_again(stage: Stage) -> None:
    old = [stage.queue(Stop()) for _ in range(3)]
    for job_id in old:
        stage.cancel_queued(job_id)
    stage.clock.sleep(86400 * 1000)
    expire(stage.on)
    with stage.on.database.read() as session:
        assert list(session.scalars(select(Job.id))) == [old[-1]]
    assert stage.queue(Stop()) > old[-1]


def test_the_audit_trail_is_kept_for_a_year(stage: Stage) -> None:
    stage.push("a")
    stage.clock.sleep(86400 * 364)
    expire(stage.on)
    assert len(stage.with_action("deploy.succeeded")) == 1
    stage.clock.sleep(86400 * 2)
    expire(stage.on)
    assert stage.with_action("deploy.succeeded") == []


def test_pruning_is_queued_once(database: Database, tmp_path: Path) -> None:
    on = worker_platform(database, tmp_path)
    queue_prune(on)
    queue_prune(on)
    with database.read() as session:
        (job,) = session.scalars(select(Job)).all()
    assert (job.kind, job.app_id, job.payload, job.via) == ("prune", None, {"kind": "prune"}, "timetable")
