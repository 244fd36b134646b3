"""Two transactions at once, on both kinds of database: writers take turns, readers see one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from paas.model import Database, User, func, select, update

NOW = datetime(2026, 1, 2, tzinfo=UTC)
AT_ONCE = 8


def add(database: Database, name: str) -> None:
    with database.write() as session:
        session.add(User(name=name, role="member", password_hash="0", created_at=NOW))


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


def beside(deed: Callable[[], None]) -> Future[None]:
    """Do it in a thread of its own; the result once it is there."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(deed)
    pool.shutdown(wait=False)
    return future


def test_a_second_writer_waits_and_sees_what_the_first_one_wrote(database: Database) -> None:
    seen: list[int] = []
    begins = threading.Event()

    def write_second() -> None:
        begins.set()
        with database.write() as session:
            seen.append(session.scalar(select(func.count()).select_from(User)) or 0)

    with database.write() as session:
        second = beside(write_second)
        begins.wait(60)
        session.add(User(name="ana", role="member", password_hash=None, created_at=NOW))
        session.flush()
        with pytest.raises(TimeoutError):
            second.result(0.2)
        assert seen == []
    second.result(60)
    assert seen == [1]


def test_no_change_of_many_writers_is_lost(database: Database) -> None:
    add(database, "ana")

    def add_one() -> None:
        with database.write() as session:
            user = session.scalars(select(User)).one()
            user.password_hash = str(int(user.password_hash or 0) + 1)

    for change in [beside(add_one) for _ in range(AT_ONCE)]:
        change.result(20)
    with database.read() as session:
        assert session.scalar(select(User.password_hash)) == str(AT_ONCE)


def test_a_reader_waits_for_no_writer_and_sees_one_moment(database: Database) -> None:
    add(database, "ana")
    with database.read() as reader:
        assert reader.scalar(select(func.count()).select_from(User)) == 1
        with database.write() as writer:
            writer.execute(update(User).values(name="ben"))
            assert count(database) == 1
        assert reader.scalar(select(User.name)) == "ana"
    with database.read() as reader:
        assert reader.scalar(select(User.name)) == "ben"


def test_a_writer_that_failed_lets_the_next_one_in(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write():
        raise ZeroDivisionError
    add(database, "ana")
    assert count(database) == 1
