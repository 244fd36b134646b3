"""builds:* as people type them: what is cancelled at once, and what is only wished for."""

from __future__ import annotations

import pytest

from paas.commands.queue import request
from paas.context import Context
from paas.model import Job, JobStep
from paas.model.job import claim, give_back
from paas.rules.jobs import Order, Rebuild, Restart
from tests.commands.world import World


@pytest.fixture
def blog(world: World) -> World:
    world.type(world.admin, "apps:create blog")
    world.deployed("blog")
    return world


def queue(world: World, order: Order) -> int:
    return request(Context(world.on, world.admin), world.app("blog"), order).id


def begin(world: World, job_id: int) -> Job:
    with world.on.database.write() as session:
        job = claim(session, job_id, "1:1", world.clock.now(), 30)
    assert job is not None
    return job


def look(world: World, job_id: int) -> tuple[str, str | None]:
    with world.on.database.read() as session:
        job = session.get_one(Job, job_id)
    return job.state, job.cancel_by


def test_what_waits_is_cancelled_and_what_runs_is_told(blog: World) -> None:
    running, waiting = queue(blog, Rebuild()), queue(blog, Restart())
    begin(blog, running)
    code, screen = blog.type(blog.admin, "builds:cancel blog")
    assert (code, screen.out) == (0, f"-----> Cancelling build {running}, build {waiting}\n")
    assert look(blog, running) == ("running", "ana")
    assert look(blog, waiting) == ("cancelled", None)


def test_one_build_is_cancelled_and_the_others_are_left(blog: World) -> None:
    first, second = queue(blog, Rebuild()), queue(blog, Restart())
    assert blog.type(blog.admin, f"builds:cancel blog --build {second}")[0] == 0
    assert (look(blog, first)[0], look(blog, second)[0]) == ("queued", "cancelled")


def test_what_a_dead_worker_had_begun_is_only_told(blog: World) -> None:
    """It may be past the point of no return: only the worker that resumes it knows."""
    job = begin(blog, queue(blog, Rebuild()))
    with blog.on.database.write() as session:
        assert give_back(session, job.id, job.fence)
    assert blog.type(blog.admin, "builds:cancel blog")[0] == 0
    assert look(blog, job.id) == ("queued", "ana")


def test_a_destroy_is_not_cancelled_and_nothing_to_cancel_is_said(blog: World) -> None:
    blog.call(blog.admin, "apps:destroy", app="blog")
    code, screen = blog.type(blog.admin, "builds:cancel blog")
    assert code == 1 and "[build-ended]" in screen.err


def test_anothers_build_is_none_of_the_app(blog: World) -> None:
    job_id = queue(blog, Rebuild())
    blog.type(blog.admin, "apps:create shop")
    for command in ("builds:info shop", "builds:output shop", "builds:cancel shop --build"):
        code, screen = blog.type(blog.admin, f"{command} {job_id}")
        assert code == 1 and "[build-not-found]" in screen.err
    assert look(blog, job_id) == ("queued", None)


def test_the_phases_of_a_build_are_a_table(blog: World) -> None:
    job = begin(blog, queue(blog, Rebuild()))
    with blog.on.database.write() as session:
        session.add(JobStep(job_id=job.id, name="build", started_at=blog.clock.now(), state="running"))
    shown = blog.type(blog.admin, f"builds:info blog {job.id}")[1].out
    assert "StepView" not in shown
    assert [line.split()[:2] for line in shown.splitlines()[-2:]] == [["PHASE", "STATE"], ["build", "running"]]
