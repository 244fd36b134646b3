"""How do we remember? One declarative base, and a Database that gives read and write transactions.

On both kinds of database writers come one after the other, so what a transaction has looked up still holds when it
writes: the name is free, another administrator is left, the subnet is nobody's. Readers wait for nobody and see one
snapshot. On SQLite a writing transaction starts `BEGIN IMMEDIATE` (Python's default lost 388 of 480 concurrent updates
without an error), with WAL and `foreign_keys=ON`. On PostgreSQL it first takes one advisory lock, which its end gives
back; each of its statements then sees all that earlier writers committed (READ COMMITTED).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, MetaData, create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT = 10.0  # a writer waits for another this long (s)
WRITERS_LOCK = 0x70616173  # "paas": the advisory lock of PostgreSQL's writers; each database has its own
_WRITES = "paas_writes"


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("moments are aware datetimes")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 - SQLAlchemy's own form


class Database:
    """Transactions on one URL. Objects stay usable after their transaction (`expire_on_commit=False`)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        arguments = {"timeout": BUSY_TIMEOUT, "check_same_thread": False} if self.is_sqlite else {}
        self.engine = create_engine(
            url, connect_args=arguments, pool_pre_ping=not self.is_sqlite, pool_size=8, max_overflow=64
        )
        if self.is_sqlite:
            _speak_sqlite(self.engine)
        else:
            _speak_postgresql(self.engine)

    @property
    def libpq(self) -> dict[str, str]:
        """How PostgreSQL's own programs find it: libpq's keywords (host, dbname, sslmode ...), with the password."""
        _, keywords = self.engine.dialect.create_connect_args(self.engine.url)
        return {str(name): str(value) for name, value in keywords.items()}

    @contextmanager
    def read(self) -> Iterator[Session]:
        """To read from, all of it one snapshot; what is changed in it is not kept."""
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, and no other writes meanwhile: committed at the end, rolled back on an exception.

        Hold it across database work only. Raises OperationalError when another writer does not end within 10 s.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={_WRITES: True})
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def close(self) -> None:
        self.engine.dispose()


def _speak_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            "synchronous=NORMAL",
            f"busy_timeout={int(BUSY_TIMEOUT * 1000)}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _speak_postgresql(engine: Engine) -> None:
    """docs: postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS"""
    wait = f"SET LOCAL lock_timeout = {int(BUSY_TIMEOUT * 1000)}"
    lock = f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})"

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES, False):
            connection.exec_driver_sql(wait)
            connection.exec_driver_sql(lock)
