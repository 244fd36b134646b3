"""Signing in: the right password and no other, a lock-out that time opens, names of every kind on both databases."""

from __future__ import annotations

import pytest

from paas.commands.callers import caller_by_session
from paas.commands.passwords import hash_password
from paas.commands.signin import LockedOutError, sign_in
from paas.errors import UnauthenticatedError
from paas.model import Event, User, select
from tests.commands.world import World

PASSWORD = "correct-horse-battery"


def let_in(world: World, name: str, password: str, address: str = "192.0.2.7") -> str:
    return sign_in(world.on, name, password, address, "test")


def give_password(world: World, name: str, **facts: bool) -> None:
    with world.on.database.write() as session:
        user = session.scalar(select(User).where(User.name == name))
        assert user is not None
        user.password_hash = hash_password(PASSWORD)
        for key, value in facts.items():
            setattr(user, key, value)


def test_the_right_password_opens_a_session(world: World) -> None:
    give_password(world, "ana")
    caller = caller_by_session(world.on, let_in(world, "ana", PASSWORD), "192.0.2.7")
    assert caller is not None and (caller.name, caller.role, caller.via) == ("ana", "admin", "web")


@pytest.mark.parametrize("name", ["ana", "nobody", "", "a\0b", "\udcff", "é", "x" * 10_000])
def test_everything_else_is_refused_in_the_same_words_and_recorded(world: World, name: str) -> None:
    with pytest.raises(UnauthenticatedError, match="Name or password is wrong"):
        let_in(world, name, PASSWORD)
    with world.on.database.read() as session:
        assert session.scalars(select(Event.result)).all() == ["unauthenticated"]


def test_an_account_without_a_password_or_let_out_gets_nowhere(small_world: World) -> None:
    give_password(small_world, "ben", is_disabled=True)
    for name in ("ben", "cleo"):
        with pytest.raises(UnauthenticatedError):
            let_in(small_world, name, PASSWORD)


def test_failures_from_many_addresses_lock_the_account_until_it_has_waited(small_world: World) -> None:
    give_password(small_world, "ana")
    for number in range(small_world.on.settings.login_failures):
        with pytest.raises(UnauthenticatedError):
            let_in(small_world, "ana", "wrong", f"192.0.2.{number}")
    with pytest.raises(LockedOutError):
        let_in(small_world, "ana", PASSWORD, "198.51.100.1")
    small_world.clock.advance(small_world.on.settings.login_lockout + 1)
    assert let_in(small_world, "ana", PASSWORD)


def test_a_sign_in_that_succeeds_forgives_the_failures_before(small_world: World) -> None:
    give_password(small_world, "ana")
    for _ in range(3):
        for _ in range(small_world.on.settings.login_failures - 1):
            with pytest.raises(UnauthenticatedError):
                let_in(small_world, "ana", "wrong")
        let_in(small_world, "ana", PASSWORD)
