"""In which state is an app? One vocabulary everywhere: Running, Deploying, Queued, Unhealthy, Crashed, Stopped, ..."""

from __future__ import annotations

from collections.abc import Iterable

from paas.model import App, Job, Process, Session, select
from paas.model.job import QUEUED, RUNNING

DEPLOYING = frozenset({"deploy", "rebuild", "rollback", "config"})


def status_of(session: Session, app: App) -> str:
    """The word for one app."""
    return statuses(session, [app])[app.id]


def statuses(session: Session, apps: Iterable[App]) -> dict[str, str]:
    """The word for each app id, in three queries however many they are."""
    wanted = list(apps)
    ids = [app.id for app in wanted]
    jobs: dict[str, set[str]] = {}
    for app_id, state, kind in session.execute(
        select(Job.app_id, Job.state, Job.kind).where(Job.app_id.in_(ids), Job.state.in_((QUEUED, RUNNING)))
    ):
        if app_id and kind in DEPLOYING:
            jobs.setdefault(app_id, set()).add(state)
    live: dict[str, list[Process]] = {}
    for process in session.scalars(select(Process).where(Process.app_id.in_(ids), Process.state == "live")):
        live.setdefault(process.app_id, []).append(process)
    return {app.id: _word(app, jobs.get(app.id, set()), live.get(app.id, [])) for app in wanted}


def _word(app: App, jobs: set[str], live: list[Process]) -> str:
    if RUNNING in jobs:
        return "Deploying"
    if QUEUED in jobs:
        return "Queued"
    if app.current_release_id is None:
        return "Never deployed"
    if app.is_stopped:
        return "Stopped"
    if any(process.crashed_at is not None for process in live):
        return "Crashed"
    return "Running" if live else "Unhealthy"
