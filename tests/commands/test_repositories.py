from __future__ import annotations

import pytest

from paas.commands import catalog as _catalog  # noqa: F401 - declares every command
from paas.commands.pushes import PushedSource
from paas.commands.repositories import (
    Branch,
    app_to_fetch,
    app_to_push,
    branches,
    commits_before,
    deploy_branch_of,
    deploy_push,
    tags_of,
)
from paas.context import Context
from paas.errors import AppNotFoundError, BadInputError, ConflictError, ForbiddenError
from paas.model import BranchTag, Job
from paas.rules.jobs import Push
from tests.commands.world import World

A, B, C = "a" * 40, "b" * 40, "c" * 40
SOURCE = PushedSource("x.tar", "0" * 64, 10, A, "main", "Ana <ana@example.com>", "A change")


def quiet(line: str) -> None:
    """Nobody listens."""


def test_who_may_view_fetches_and_who_may_deploy_pushes(small_world: World) -> None:
    world = small_world
    world.call(world.admin, "apps:create", name="blog")
    member = Context(world.on, world.member)
    with pytest.raises(AppNotFoundError):
        app_to_fetch(member, "blog")
    world.grant(world.member, "blog", "view")
    assert app_to_fetch(member, "blog").name == "blog"
    with pytest.raises(ForbiddenError):
        app_to_push(member, "blog", quiet)


def test_pushing_to_what_is_not_theirs_says_what_is_said_of_nothing(small_world: World) -> None:
    world = small_world
    world.call(world.admin, "apps:create", name="blog")
    with pytest.raises(AppNotFoundError):
        app_to_push(Context(world.on, world.stranger), "blog", quiet)


def test_an_unknown_app_is_created_for_its_pusher(world: World) -> None:
    said: list[str] = []
    made = app_to_push(Context(world.on, world.member), "blog", said.append)
    assert said == ["-----> Created app blog"]
    assert app_to_push(Context(world.on, world.member), "blog", said.append) == made
    assert len(said) == 1


@pytest.mark.parametrize("name", ["", "..", "My_App", "paas", "a" * 64, "app;id"])
def test_a_name_that_cannot_be_is_explained(small_world: World, name: str) -> None:
    with pytest.raises(BadInputError):
        app_to_push(Context(small_world.on, small_world.member), name, quiet)


def test_locked_and_vanishing_apps_take_no_push(small_world: World) -> None:
    world = small_world
    world.call(world.admin, "apps:create", name="blog")
    app = world.app("blog")
    with world.on.database.write() as session:
        session.merge(app).is_locked = True
    with pytest.raises(ConflictError):
        app_to_push(Context(world.on, world.admin), "blog", quiet)
    with world.on.database.write() as session:
        row = session.merge(app)
        row.is_locked, row.is_destroying = False, True
    with pytest.raises(AppNotFoundError):
        app_to_push(Context(world.on, world.admin), "blog", quiet)


def test_a_push_may_build_upon_the_branch_and_the_pushes_before_it(world: World) -> None:
    ctx = Context(world.on, world.member)
    app = app_to_push(ctx, "blog", quiet)
    with world.on.database.write() as session:
        session.merge(world.app("blog")).branch_commit = C
    queued = deploy_push(ctx, app.id, SOURCE, Push(branch="main", old=C, new=A), no_cache=True)
    assert commits_before(ctx, app.id) == [C, A]
    assert deploy_branch_of(ctx, app.id) is None, "a first push settles it when it is live"
    with world.on.database.read() as session:
        job = session.get(Job, queued.job_id)
    assert job is not None and job.payload["no_cache"] is True
    assert world.line.rings >= 1


def test_a_push_to_an_app_that_vanished_is_refused(small_world: World) -> None:
    ctx = Context(small_world.on, small_world.member)
    with pytest.raises(ConflictError):
        deploy_push(ctx, "gone0000", SOURCE, Push(branch="main", old=None, new=A), no_cache=False)


def test_refs_ought_to_stand_where_the_newest_release_put_them(world: World) -> None:
    for name in ("blog", "empty"):
        world.call(world.admin, "apps:create", name=name)
    app = world.app("blog")
    with world.on.database.write() as session:
        row = session.merge(app)
        row.branch_commit, row.deploy_branch = A, "main"
        for commit in (B, C):
            session.add(BranchTag(app_id=app.id, ref="refs/tags/v1", commit=commit, job_id=1))
    assert branches(world.on) == {app.id: Branch("main", A)}
    assert tags_of(world.on, app.id) == {"refs/tags/v1": C}
    assert tags_of(world.on, world.app("empty").id) == {}
