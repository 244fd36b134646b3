"""releases:* and rollback - the ledger of what ran, what changed between two releases, and going back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from paas.commands import present
from paas.commands.declare import Help, command
from paas.commands.queue import request
from paas.commands.results import JobStarted
from paas.commands.words import TheApp, Version
from paas.context import Context
from paas.errors import ConflictError, NotFoundError
from paas.model import App, Image, Release, Session
from paas.model.release import release_by_version, releases_of
from paas.rules.config import read_snapshot
from paas.rules.jobs import Rollback


@dataclass(frozen=True)
class ReleaseLine:
    version: str
    status: str
    description: str
    commit: str | None
    by: str
    created_at: datetime
    build: int | None


@dataclass(frozen=True)
class ReleaseView:
    app: str
    version: str
    status: str
    cause: str
    description: str
    commit: str | None
    builder: str
    port: int
    processes: dict[str, str]
    config: list[str]
    by: str
    created_at: datetime
    finished_at: datetime | None
    image_kept: bool
    build: int | None
    failure: str


@dataclass(frozen=True)
class ReleaseDiff:
    """Names of variables, never their values."""

    app: str
    before: str
    after: str
    commit: list[str | None] = field(default_factory=list)
    set: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unset: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    same_image: bool = True


def _show_list(releases: list[ReleaseLine]) -> str:
    rows = [(each.version, each.status, each.description, each.by, each.created_at) for each in releases]
    return present.table(("version", "status", "what", "by", "when"), rows)


@command("releases:list", allow="view", api="GET /apps/{app}/releases", aliases=("releases",), show=_show_list)
def list_(ctx: Context, app: TheApp, *, number: Annotated[int, Help("at most so many")] = 25) -> list[ReleaseLine]:
    """List an app's releases, newest first.

    $ ssh paas@host releases blog
    """
    with ctx.on.database.read() as session:
        rows = releases_of(session, app.id, max(1, min(number, 500)))
    return [
        ReleaseLine(
            f"v{row.version}",
            row.status,
            row.description,
            row.commit,
            row.created_by,
            row.created_at,
            row.job_id,
        )
        for row in rows
    ]


def find_release(session: Session, app: App, version: int) -> Release:
    """Raises NotFoundError (code `release-not-found`)."""
    release = release_by_version(session, app.id, version)
    if release is None:
        raise NotFoundError(f"{app.name} has no release v{version}", f"releases {app.name}", code="release-not-found")
    return release


@command("releases:info", allow="view", api="GET /apps/{app}/releases/{version}")
def info(ctx: Context, app: TheApp, version: Version) -> ReleaseView:
    """Show one release: its image, commit, processes and the names of its variables.

    $ ssh paas@host releases:info blog v12
    """
    with ctx.on.database.read() as session:
        release = find_release(session, app, version)
        image = session.get(Image, release.image_id)
    return ReleaseView(
        app=app.name,
        version=f"v{release.version}",
        status=release.status,
        cause=release.cause,
        description=release.description,
        commit=release.commit,
        builder=image.builder if image else "",
        port=release.port,
        processes={name: text or "(the image's own command)" for name, text in release.processes.items()},
        config=sorted(read_snapshot(ctx.on.vault.open(release.sealed_config))),
        by=release.created_by,
        created_at=release.created_at,
        finished_at=release.finished_at,
        image_kept=image is not None and image.removed_at is None,
        build=release.job_id,
        failure=release.failure or "",
    )


@command("releases:diff", allow="view", api="GET /apps/{app}/releases/{before}/diff/{after}")
def diff(ctx: Context, app: TheApp, before: Version, after: Version) -> ReleaseDiff:
    """Show what changed from one release to another: commit, image, processes, names of variables.

    $ ssh paas@host releases:diff blog v11 v12
    """
    with ctx.on.database.read() as session:
        old, new = find_release(session, app, before), find_release(session, app, after)
    was = read_snapshot(ctx.on.vault.open(old.sealed_config))
    now = read_snapshot(ctx.on.vault.open(new.sealed_config))
    return ReleaseDiff(
        app=app.name,
        before=f"v{old.version}",
        after=f"v{new.version}",
        commit=[old.commit, new.commit] if old.commit != new.commit else [],
        set=sorted(now.keys() - was.keys()),
        changed=sorted(key for key in was.keys() & now.keys() if was[key] != now[key]),
        unset=sorted(was.keys() - now.keys()),
        processes=sorted(
            name for name in {*old.processes, *new.processes} if old.processes.get(name) != new.processes.get(name)
        ),
        same_image=old.image_id == new.image_id,
    )


@command("rollback", allow="deploy", api="POST /apps/{app}/rollback")
def rollback(ctx: Context, app: TheApp, version: Version | None = None) -> JobStarted:
    """Return to an earlier release, code and config; without a version to the one that was current before.

    It needs no build. Databases are not rolled back.

    $ ssh paas@host rollback blog
    $ ssh paas@host rollback blog v12
    """
    with ctx.on.database.read() as session:
        current = session.get(Release, app.current_release_id) if app.current_release_id else None
        if version is not None:
            target: Release | None = find_release(session, app, version)
        else:
            target = session.get(Release, current.previous_id) if current and current.previous_id else None
    if target is None:
        raise ConflictError(f"{app.name} has no release to return to", f"releases {app.name}", code="no-release")
    if target.status in ("failed", "pending"):
        raise ConflictError(f"v{target.version} never served", f"releases {app.name}", code="release-failed")
    job = request(ctx, app, Rollback(version=target.version))
    return JobStarted(job.id, f"Rolling {app.name} back to v{target.version}")
