"""What do we know of an app? Its row, its counts per process, its switches. Never its secrets (see config)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from paas.model.base import Base

HIDDEN = "hidden"  # of proxy_settings: no host name leads to the app


class App(Base):
    __tablename__ = "app"

    id: Mapped[str] = mapped_column(primary_key=True)  # 8 random characters, immutable
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    # Wanted
    is_locked: Mapped[bool] = mapped_column(default=False)  # deploys are refused
    is_stopped: Mapped[bool] = mapped_column(default=False)  # ps:stop
    is_destroying: Mapped[bool] = mapped_column(default=False)  # set before the first thing goes
    deploy_branch: Mapped[str | None]
    domains_disabled: Mapped[bool] = mapped_column(default=False)  # domains:set or :remove took the default ones away
    builder: Mapped[str | None]  # None: chosen from the source; "dockerfile", or a buildpack's name
    build_settings: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # build-dir, dockerfile-path, target, arguments
    process_settings: Mapped[dict[str, Any]] = mapped_column(default=dict)  # stop-timeout, drain-timeout
    proxy_settings: Mapped[dict[str, Any]] = mapped_column(default=dict)  # upload-limit, hidden

    # Counters and truths
    last_version: Mapped[int] = mapped_column(default=0)
    last_rollout: Mapped[int] = mapped_column(default=0)
    current_release_id: Mapped[int | None]  # no foreign key: app and release would each need the other first
    branch_commit: Mapped[str | None]  # where the deploy branch stands; git's ref follows
    subnet: Mapped[str | None]


class Formation(Base):
    """How many copies of a process are wanted; a type without a row has its default (web 1, others 0)."""

    __tablename__ = "formation"

    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"), primary_key=True)
    process_type: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int]


class BranchTag(Base):
    """A git tag or other ref that waits to be stored, or was, with the deploy that carried it."""

    __tablename__ = "branch_tag"
    __table_args__ = (Index("ix_branch_tag_app", "app_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"))
    ref: Mapped[str]
    commit: Mapped[str]
    job_id: Mapped[int]


def find_app(session: Session, name: str) -> App | None:
    return session.scalar(select(App).where(App.name == name))


def next_rollout(session: Session, app_id: str) -> int:
    """Take the next rollout number in this (writing) transaction."""
    row = session.execute(
        text("UPDATE app SET last_rollout = last_rollout + 1 WHERE id = :id RETURNING last_rollout"), {"id": app_id}
    ).one()
    return int(row[0])


def formation_of(session: Session, app_id: str) -> dict[str, int]:
    rows = session.scalars(select(Formation).where(Formation.app_id == app_id))
    return {row.process_type: row.quantity for row in rows}
