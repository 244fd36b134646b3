"""What was pushed, built and released? Sources, images and the ledger of releases.

A release is immutable: image, the user's variables, process commands, health checks, who, why, commit. Only `status`,
`finished_at` and `failure` are written after it was cut.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from paas.model.base import Base


class Source(Base):
    """One tar file, whatever door it came through."""

    __tablename__ = "source"
    __table_args__ = (Index("ix_source_app", "app_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"))
    kind: Mapped[str]  # git, upload
    inbox: Mapped[str]  # ssh, web
    file: Mapped[str]  # name in the inbox
    sha256: Mapped[str]
    size: Mapped[int]
    commit: Mapped[str | None]
    branch: Mapped[str | None]
    author: Mapped[str | None]
    subject: Mapped[str | None]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Image(Base):
    """One built image of an app. The tag carries 128 random bits and is shown to nobody."""

    __tablename__ = "image"
    __table_args__ = (Index("ix_image_app", "app_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("source.id", ondelete="SET NULL"))
    job_id: Mapped[int] = mapped_column(unique=True)  # a resumed job finds the image it had built
    docker_id: Mapped[str]
    tag: Mapped[str]
    builder: Mapped[str]  # "dockerfile", "python" ...
    size: Mapped[int]
    processes: Mapped[dict[str, Any]] = mapped_column(default=dict)  # default commands that the buildpack found
    manifest: Mapped[dict[str, Any]] = mapped_column(default=dict)  # Procfile and app.json as read from the source
    exposed_port: Mapped[int | None]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Release(Base):
    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("app_id", "version"), UniqueConstraint("job_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(ForeignKey("app.id", ondelete="CASCADE"))
    version: Mapped[int]
    status: Mapped[str]  # pending, current, superseded (was current), failed
    cause: Mapped[str]  # deploy, config, rollback, rebuild
    description: Mapped[str]  # "Deploy 1a2b3c4", "Set KEY", "Rollback to v3"
    job_id: Mapped[int | None]
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("source.id", ondelete="SET NULL"))
    commit: Mapped[str | None]
    sealed_config: Mapped[bytes]  # JSON {key: {value, is_build}}
    processes: Mapped[dict[str, Any]]  # {type: command text or null for the image's CMD}, in order
    manifest: Mapped[dict[str, Any]]  # health checks and scripts as cut
    port: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]  # when it became current or failed
    previous_id: Mapped[int | None]  # the release that was current when this one became so: where `rollback` goes
    failure: Mapped[str | None]


def release_by_version(session: Session, app_id: str, version: int) -> Release | None:
    return session.scalar(select(Release).where(Release.app_id == app_id, Release.version == version))


def releases_of(session: Session, app_id: str, limit: int = 100) -> list[Release]:
    """Newest first."""
    return list(
        session.scalars(select(Release).where(Release.app_id == app_id).order_by(Release.version.desc()).limit(limit))
    )
