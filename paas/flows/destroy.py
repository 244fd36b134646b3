"""How does an app go, with all that it has? Its site first, its rows last; begun once, it is gone through to the end.

Its subnet rests until no nginx worker is left that may know addresses in it. The rows of jobs and events stay: they
are the ledger.
"""

from __future__ import annotations

from datetime import timedelta

from paas.context import WorkerPlatform
from paas.flows.containers import stop_timeout_of
from paas.flows.network import ensure_firewall
from paas.flows.release import check_still_ours
from paas.flows.rollout import for_each
from paas.flows.route import apply_sites
from paas.flows.say import JobLog
from paas.flows.work import Work
from paas.model import Address, App, Image, Job, Process, Release, RestingSubnet, Source, delete, func, or_, select
from paas.model.job import ENDED
from paas.rules import names
from paas.rules.jobs import Destroy

RETRY_AFTER = timedelta(minutes=5)


def destroy(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    app_id = names.check_app_id(work.job.app_id or "")
    say.header(f"Destroying {work.job.app_name}")
    if not begin_destroying(on, work):
        return  # an earlier attempt had come to the end
    with work.step("switch"):
        apply_sites(on)
    with work.step("retire"):
        remove_containers(on, app_id)
        remove_network(on, app_id)
        remove_images(on, app_id)
        remove_files(on, app_id)
        forget_app(on, app_id)
        ensure_firewall(on)
    say.header("Destroyed: containers, network, images, logs, sources, repository")


def resume_destroys(on: WorkerPlatform) -> None:
    """Queue again what was begun and failed, for want of Docker say; each app once in a while."""
    now = on.clock.now()
    with on.database.write() as session:
        for app in session.scalars(select(App).where(App.is_destroying.is_(True))).all():
            jobs = select(func.count()).where(Job.app_id == app.id, Job.kind == "destroy")
            if session.scalar(jobs.where(or_(Job.state.not_in(ENDED), Job.ended_at > now - RETRY_AFTER))):
                continue
            session.add(
                Job(
                    kind="destroy", app_id=app.id, app_name=app.name, payload=Destroy().model_dump(mode="json"),
                    created_at=now, created_by="platform", user_id=None, via="timetable",
                )
            )  # fmt: skip


def begin_destroying(on: WorkerPlatform, work: Work) -> bool:
    """From here on nothing else may be done with it; False when it is gone already."""
    work.shield()
    with on.database.write() as session:
        check_still_ours(session, work)
        app = session.get(App, work.job.app_id)
        if app is None:
            return False
        app.is_destroying = True
    return True


def remove_containers(on: WorkerPlatform, app_id: str) -> None:
    with on.database.read() as session:
        app = session.get(App, app_id)
    timeout = stop_timeout_of(on, app) if app else on.settings.stop_timeout

    def remove(name: str) -> None:
        on.runtime.stop(name, timeout)
        on.log_keeper.finish(name, 1.0)  # so that nobody writes into a log folder that is about to go
        on.runtime.remove(name)

    for_each([container.name for container in on.runtime.containers(app_id)], remove)


def remove_network(on: WorkerPlatform, app_id: str) -> None:
    on.runtime.remove_network(names.network_name(app_id))
    with on.database.write() as session:
        app = session.get(App, app_id)
        if app is not None and app.subnet is not None:
            session.merge(RestingSubnet(subnet=app.subnet, released_at=on.clock.now()))
            app.subnet = None
        session.execute(delete(Address).where(Address.app_id == app_id))


def remove_images(on: WorkerPlatform, app_id: str) -> None:
    for image in on.runtime.images(app_id):
        for tag in image.tags:
            on.runtime.remove_image(tag)


def remove_files(on: WorkerPlatform, app_id: str) -> None:
    with on.database.read() as session:
        sources = list(session.scalars(select(Source.id).where(Source.app_id == app_id)))
        jobs = session.scalars(select(Job).where(Job.app_id == app_id, Job.state.in_(ENDED)))
        logs = [job.log for job in jobs]
    for source_id in sources:
        on.sources.remove(source_id)
    on.logs.remove(names.log_folder(app_id))
    for log in logs:
        on.logs.remove(log)
    on.repositories.remove(app_id)


def forget_app(on: WorkerPlatform, app_id: str) -> None:
    """The rows that refer to others first; grants, domains, variables ... go with the app's own row."""
    with on.database.write() as session:
        for table in (Process, Release, Image, Source):
            session.execute(delete(table).where(table.app_id == app_id))
        session.execute(delete(App).where(App.id == app_id))
