"""How does a release come about, become current, or fail? The ledger's three moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paas.context import WorkerPlatform
from paas.errors import CancelledJobError
from paas.flows.findings import find_app
from paas.flows.rollout import settle_rollout
from paas.flows.step import step
from paas.flows.undo import Undo
from paas.flows.variables import open_snapshot, read_change, seal_snapshot, store_change
from paas.flows.work import Work
from paas.model import App, BranchTag, ConfigChange, Image, Job, Release, Session, select, update
from paas.model.job import RUNNING
from paas.rules.config import Change, Config, check_config
from paas.rules.jobs import ApplyConfig, Deploy, Push
from paas.rules.port import choose_port
from paas.rules.rollout import Rollout


@dataclass(frozen=True)
class Draft:
    """All that a new release is to hold. `adopted`: keys of `config` that app.json gave, to be kept in the config."""

    cause: str
    description: str
    image: Image
    processes: Mapping[str, Any]
    manifest: Mapping[str, Any]
    config: Config
    source_id: int | None
    commit: str | None
    adopted: Sequence[str] = ()


# --- Cut --------------------------------------------------------------------------------------------------------------
@step("cut")
def cut_release(on: WorkerPlatform, work: Work, draft: Draft, undo: Undo) -> Release:
    """Take the next number and write the release down; a job that is run again finds the one it had cut."""
    undo.push(lambda _kind, error, _trace: fail_release(on, work, error))
    exposed = [draft.image.exposed_port] if draft.image.exposed_port else []
    port_wish = draft.config.get("PORT")
    port = choose_port(port_wish.value.reveal() if port_wish else None, exposed)
    sealed = seal_snapshot(on, check_config(draft.config))
    with on.database.write() as session:
        release = session.scalar(select(Release).where(Release.job_id == work.job.id))
        if release is not None:
            return release
        app = find_app(session, work)
        app.last_version += 1
        release = Release(
            app_id=app.id,
            version=app.last_version,
            status="pending",
            cause=draft.cause,
            description=draft.description,
            job_id=work.job.id,
            image_id=draft.image.id,
            source_id=draft.source_id,
            commit=draft.commit,
            sealed_config=sealed,
            processes=dict(draft.processes),
            manifest={**draft.manifest, "adopted": list(draft.adopted)},
            port=port.number,
            created_by=work.job.created_by,
            created_at=on.clock.now(),
        )
        session.add(release)
    return release


def fail_release(on: WorkerPlatform, work: Work, error: BaseException | None) -> None:
    """Undo of a cut: the release keeps its number and says why it never became current."""
    message = getattr(error, "message", None) or (type(error).__name__ if error else "")
    with on.database.write() as session:
        session.execute(
            update(Release)
            .where(Release.job_id == work.job.id, Release.status == "pending")
            .values(status="failed", failure=message, finished_at=on.clock.now())
        )


# --- Become current ---------------------------------------------------------------------------------------------------
@step("current")
def make_current(on: WorkerPlatform, work: Work, release: Release, rollout: Rollout) -> None:
    """The point of no return: one transaction in which all becomes true, or nothing."""
    work.shield()
    with on.database.write() as session:
        check_still_ours(session, work)
        app = find_app(session, work)
        session.refresh(app, with_for_update=True)  # git:set and config:set --no-restart wait
        _replace_current(on, session, app, release)
        _move_branch(session, app, work)
        change = _config_change(on, session, work, release)
        if change is not None:
            store_change(on, session, app.id, change, work.job.created_by)
        settle_rollout(on, session, app.id, rollout)


def check_still_ours(session: Session, work: Work) -> None:
    """Fencing: a worker that lost this job to another must not write its result."""
    mine = select(Job.id).where(Job.id == work.job.id, Job.state == RUNNING, Job.fence == work.job.fence)
    if session.scalar(mine.with_for_update()) is None:
        raise CancelledJobError("Another worker has taken this job over", code="job-lost")


def _replace_current(on: WorkerPlatform, session: Session, app: App, release: Release) -> None:
    session.execute(
        update(Release).where(Release.app_id == app.id, Release.status == "current").values(status="superseded")
    )
    session.execute(
        update(Release)
        .where(Release.id == release.id)
        .values(status="current", finished_at=on.clock.now(), previous_id=app.current_release_id)
    )
    app.current_release_id = release.id
    if release.cause != "config":
        app.is_stopped = False


def _move_branch(session: Session, app: App, work: Work) -> None:
    """Git's refs follow these rows by compare-and-swap (the hook, or the SSH door)."""
    push = _push_of(work)
    if push is None:
        return
    if app.deploy_branch in (None, push.branch):  # else git:set chose another in the meantime, and this moves none
        app.branch_commit, app.deploy_branch = push.new, push.branch
    for ref, commit in push.tags.items():
        session.add(BranchTag(app_id=app.id, ref=ref, commit=commit, job_id=work.job.id))


def _config_change(on: WorkerPlatform, session: Session, work: Work, release: Release) -> Change | None:
    """What this release makes of the config: the user's change, the old snapshot, or what app.json gave."""
    if isinstance(work.order, ApplyConfig):
        row = session.get(ConfigChange, work.order.change_id)
        return read_change(on, row) if row else None
    snapshot = open_snapshot(on, release)
    if release.cause == "rollback":
        return Change(snapshot, replaces_all=True)
    adopted = release.manifest.get("adopted", ())
    return Change({key: snapshot[key] for key in adopted}) if adopted else None


def _push_of(work: Work) -> Push | None:
    return work.order.push if isinstance(work.order, Deploy) else None
