"""Two people ask at the same moment: what one transaction looked up still holds when it writes, on both databases.

Each story is told by threads that begin together; of those that exclude each other one is told yes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from paas.commands import catalog as _catalog  # noqa: F401 - declares every command
from paas.commands.callers import open_session
from paas.commands.pushes import PushedSource, queue_push
from paas.context import Caller, Context
from paas.errors import PaasError, UnauthenticatedError
from paas.model import Domain, Formation, Grant, Job, User, func, select
from paas.model.job import claim
from paas.model.ticket import Ticket, spend_ticket
from paas.rules.jobs import Push
from tests.commands.test_people import _key
from tests.commands.world import World

ROUNDS = 4


def at_once(*deeds: Callable[[], Any]) -> Counter[str]:
    """Begin all at the same moment; how often each answer was given: `ok`, or a refusal's code."""
    start = threading.Barrier(len(deeds))

    def answer(deed: Callable[[], Any]) -> str:
        start.wait(60)
        try:
            deed()
        except PaasError as refusal:
            return refusal.code
        return "ok"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return Counter(pool.map(answer, deeds))


def asks(world: World, caller: Caller, command: str, /, **words: Any) -> Callable[[], Any]:
    return partial(world.call, caller, command, **words)


def administrators(world: World) -> int:
    with world.on.database.read() as session:
        return session.scalar(select(func.count()).where(User.role == "admin", User.is_disabled.is_(False))) or 0


@pytest.mark.parametrize(
    ("command", "words", "undo"),
    [
        ("users:set", {"role": "member"}, {"role": "admin"}),
        ("users:set", {"disable": True}, {"enable": True}),
    ],
    ids=["demoting", "disabling"],
)
def test_of_two_administrators_who_turn_each_other_out_one_stays(
    world: World, command: str, words: dict[str, Any], undo: dict[str, Any]
) -> None:
    ben = world.member.name
    world.call(world.admin, "users:set", name=ben, role="admin")
    for _ in range(ROUNDS):
        said = at_once(*(asks(world, world.admin, command, name=name, **words) for name in (world.admin.name, ben)))
        assert said == {"ok": 1, "last-admin": 1}
        assert administrators(world) == 1
        for name in (world.admin.name, ben):
            world.call(world.admin, command, name=name, **undo)


def test_of_two_administrators_who_remove_each_other_one_stays(world: World) -> None:
    for number in range(ROUNDS):
        other = world.person(f"admin{number}", "admin")
        left = world.admin.name
        said = at_once(
            asks(world, world.admin, "users:remove", name=other.name), asks(world, other, "users:remove", name=left)
        )
        assert said == {"ok": 1, "last-admin": 1}
        assert administrators(world) == 1
        with world.on.database.read() as session:
            remaining = session.scalars(select(User).where(User.role == "admin")).one()
        world.admin = Caller(remaining.id, remaining.name, "admin", "ssh")


def test_one_of_many_gets_an_apps_name(world: World) -> None:
    for number in range(ROUNDS):
        create = asks(world, world.member, "apps:create", name=f"blog{number}")
        assert at_once(create, create, create, create) == {"ok": 1, "app-exists": 3}


def test_one_of_two_apps_gets_a_domain(world: World) -> None:
    for app in ("one", "two"):
        world.call(world.admin, "apps:create", name=app)
    for number in range(ROUNDS):
        add = [asks(world, world.admin, "domains:add", app=app, names=[f"www{number}.org"]) for app in ("one", "two")]
        assert at_once(*add) == {"ok": 1, "domain-taken": 1}


def test_a_host_is_not_both_an_apps_default_and_anothers_domain(world: World) -> None:
    """No constraint can know: default hosts follow from names and base domains, and are rows nowhere."""
    world.call(world.admin, "apps:create", name="blog")
    for number in range(ROUNDS):
        said = at_once(
            asks(world, world.admin, "domains:add", app="blog", names=[f"shop{number}.example.com"]),
            asks(world, world.member, "apps:create", name=f"shop{number}"),
        )
        assert said == {"ok": 1, "domain-taken": 1}


def test_a_base_domain_is_not_set_over_a_domain_that_is_being_added(world: World) -> None:
    for app in ("blog", "shop"):
        world.call(world.admin, "apps:create", name=app)
    for number in range(ROUNDS):
        base = f"base{number}.org"
        said = at_once(
            asks(world, world.admin, "domains:add", app="blog", names=[f"shop.{base}"]),
            asks(world, world.admin, "domains:set-global", names=[base]),
        )
        assert said == {"ok": 1, "domain-taken": 1}
        with world.on.database.write() as session:
            for row in session.scalars(select(Domain)).all():
                session.delete(row)
        world.call(world.admin, "domains:clear-global")


def test_a_key_signs_in_as_one_of_two_who_add_it(world: World, tmp_path: Path) -> None:
    key = _key(tmp_path)
    add = [asks(world, who, "ssh-keys:add", name="laptop", public_key=key) for who in (world.member, world.stranger)]
    assert at_once(*add) == {"ok": 1, "ssh-key-taken": 1}


def test_two_who_scale_an_app_are_counted_together(world: World) -> None:
    for number in range(ROUNDS):
        app = f"app{number}"
        world.call(world.admin, "apps:create", name=app)
        scale = [asks(world, world.admin, "ps:scale", app=app, pairs=[f"{each}=25"]) for each in ("web", "worker")]
        assert at_once(*scale) == {"ok": 1, "scale": 1}
        copies = select(func.sum(Formation.quantity)).where(Formation.app_id == world.app(app).id)
        with world.on.database.read() as session:
            assert session.scalar(copies) == 25


def test_no_build_argument_of_two_is_lost(world: World) -> None:
    world.call(world.admin, "apps:create", name="blog")
    names = [f"ARGUMENT{number}" for number in range(ROUNDS)]
    setting = partial(asks, world, world.admin, "builder:set", app="blog", key="build-arg")
    assert at_once(*(setting(value=f"{name}=1") for name in names)) == {"ok": ROUNDS}
    assert sorted(world.app("blog").build_settings["arguments"]) == names


def test_a_grant_that_two_owners_give_is_one(world: World) -> None:
    world.call(world.admin, "apps:create", name="blog")
    give = [asks(world, world.admin, "access:add", app="blog", user="ben", level=it) for it in ("view", "deploy")]
    assert at_once(*give) == {"ok": 2}
    with world.on.database.read() as session:
        assert session.scalar(select(func.count()).where(Grant.user_id == world.member.user_id)) == 1


def test_of_pushes_that_come_together_the_newest_is_left(world: World) -> None:
    world.call(world.admin, "apps:create", name="blog")
    ctx, app = Context(world.on, world.admin), world.app("blog")

    def push(number: int) -> None:
        commit = f"{number:040x}"
        source = PushedSource(f"{number}.tar", "0" * 64, 10, commit, "main", "Ana <ana@example.com>", "A change")
        queue_push(ctx, app, source, Push(branch="main", old="0" * 40, new=commit))

    at_once(*(partial(push, number) for number in range(1, 6)))
    with world.on.database.read() as session:
        states = session.scalars(select(Job.state).where(Job.kind == "deploy").order_by(Job.id)).all()
    assert states == [*["superseded"] * 4, "queued"]


def test_one_of_two_workers_gets_a_job_and_one_of_two_jobs_an_app(world: World) -> None:
    world.call(world.admin, "apps:create", name="blog")
    app = world.deployed("blog")
    for _ in range(ROUNDS):
        jobs = [world.call(world.admin, "ps:restart", app="blog").job_id for _ in range(2)]
        claimed: list[int] = []

        def take(job_id: int, worker: str, claimed: list[int] = claimed) -> None:
            with world.on.database.write() as session:
                if claim(session, job_id, worker, world.clock.now(), 30) is not None:
                    claimed.append(job_id)

        at_once(*(partial(take, job_id, worker) for job_id in jobs for worker in ("1:1", "2:2")))
        assert len(claimed) == 1
        with world.on.database.write() as session:
            for job in session.scalars(select(Job).where(Job.app_id == app.id)).all():
                job.state = "succeeded"


def test_a_ticket_lets_one_of_two_in(world: World) -> None:
    world.call(world.admin, "apps:create", name="blog")
    now, spent = world.clock.now(), list[Ticket]()
    with world.on.database.write() as session:
        session.add(
            Ticket(
                id="t", app_id=world.app("blog").id, payload={}, created_by="ana", created_at=now,
                expires_at=now.replace(year=now.year + 1),
            )
        )  # fmt: skip

    def spend() -> None:
        with world.on.database.write() as session:
            if ticket := spend_ticket(session, "t", now):
                spent.append(ticket)

    at_once(spend, spend, spend)
    assert len(spent) == 1


def test_who_signs_in_with_a_password_that_is_being_changed_is_not_in(world: World) -> None:
    world.call(world.admin, "users:set", name="ben", password=True)
    with world.on.database.read() as session:
        compared = session.get_one(User, world.member.user_id).password_hash
    world.call(world.admin, "users:set", name="ben", password=True)
    with pytest.raises(UnauthenticatedError):
        open_session(world.on, world.member.user_id or 0, "192.0.2.7", "test", proof=compared)
