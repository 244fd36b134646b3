"""An app goes with all that it has; whoever gets its name or its addresses never meets its remains."""

from __future__ import annotations

import pytest

from paas.flows.destroy import forget_app, remove_containers, remove_files, remove_images, remove_network
from paas.flows.reconcile import reconcile
from paas.flows.route import apply_sites
from paas.model import App, Domain, Grant, Job, RestingSubnet, User, func, select
from paas.rules.jobs import Destroy, Restart
from tests.flows.stage import APP, Stage


def furnished(stage: Stage) -> None:
    stage.push("a")
    stage.push("b")
    stage.logs.append(f"{APP}/web.1.log", "a line\n")
    stage.on.repositories.create(APP)
    stage.run(stage.queue_config(SECRET="swordfish"))
    with stage.on.database.write() as session:
        session.add(User(id=1, name="ada", role="member", created_at=stage.clock.now()))
        session.flush()
        session.add(Grant(user_id=1, app_id=APP, level="own"))
        session.add(Domain(name="blog.example.com", app_id=APP, created_at=stage.clock.now()))


def assert_gone(stage: Stage) -> None:
    assert stage.runtime.containers() == []
    assert stage.runtime.networks() == []
    assert stage.runtime.images() == []
    assert stage.sources.stored == {}
    assert stage.logs.files(APP) == []
    assert stage.proxy.site(APP) is None
    assert stage.on.repositories.refs == {}  # type: ignore[attr-defined]
    with stage.on.database.read() as session:
        for table in (App, Grant, Domain):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert list(session.scalars(select(RestingSubnet.subnet))) == ["10.208.0.0/25"]


def test_everything_of_an_app_goes(stage: Stage) -> None:
    furnished(stage)
    job = stage.run(stage.queue(Destroy()))
    assert job.state == "succeeded", stage.log(job.id)
    assert_gone(stage)


@pytest.mark.parametrize("done", range(6))
def test_a_destruction_that_was_interrupted_is_gone_through_to_the_end(stage: Stage, done: int) -> None:
    furnished(stage)
    job_id = stage.queue(Destroy())
    with stage.on.database.write() as session:
        session.get_one(App, APP).is_destroying = True
    apply_sites(stage.on)
    for deed in (remove_containers, remove_network, remove_images, remove_files, forget_app)[:done]:
        deed(stage.on, APP)
    job = stage.run(job_id)
    assert job.state == "succeeded", stage.log(job.id)
    assert_gone(stage)


def test_an_app_that_is_being_destroyed_is_neither_repaired_nor_restarted(stage: Stage) -> None:
    furnished(stage)
    stage.settle()
    with stage.on.database.write() as session:
        session.get_one(App, APP).is_destroying = True
    stage.runtime.die(stage.rows("live")[0].container)
    reconcile(stage.on)
    assert stage.running() == []
    assert stage.run(stage.queue(Restart())).result_code == "app-not-found"


def test_its_subnet_is_given_out_again_once_nginx_cannot_know_it(stage: Stage) -> None:
    furnished(stage)
    stage.proxy.oldest = stage.clock.now()
    stage.run(stage.queue(Destroy()))
    reconcile(stage.on)
    with stage.on.database.read() as session:
        assert session.scalar(select(func.count()).select_from(RestingSubnet)) == 1
    stage.clock.advance(60)
    stage.proxy.oldest = stage.clock.now()
    reconcile(stage.on)
    with stage.on.database.read() as session:
        assert session.scalar(select(func.count()).select_from(RestingSubnet)) == 0


def test_a_destruction_that_docker_interrupted_goes_on_by_itself(stage: Stage) -> None:
    furnished(stage)
    stage.runtime.is_down = True
    assert stage.run(stage.queue(Destroy())).state == "failed"
    stage.runtime.is_down = False
    reconcile(stage.on)
    assert queued_destroys(stage) == []  # not at once: whatever failed may still be failing
    stage.clock.sleep(301)
    reconcile(stage.on)
    reconcile(stage.on)
    (again,) = queued_destroys(stage)
    assert stage.run(again).state == "succeeded"
    assert_gone(stage)


def queued_destroys(stage: Stage) -> list[int]:
    with stage.on.database.read() as session:
        return list(session.scalars(select(Job.id).where(Job.kind == "destroy", Job.state == "queued")))
