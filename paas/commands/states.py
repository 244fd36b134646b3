"""In which state is an app? One vocabulary everywhere: Running, Deploying, Queued, Unhealthy, Crashed, Stopped, ..."""

from __future__ import annotations

from collections.abc import Iterable

from paas.model import App, Formation, Job, Process, Session, select
from paas.model.job import QUEUED, RUNNING
from paas.rules.formation import WEB

DEPLOYING = frozenset({"deploy", "rebuild", "rollback", "config"})


def status_of(session: Session, app: App) -> str:
    """The word for one app."""
    return statuses(session, [app])[app.id]


def statuses(session: Session, apps: Iterable[App]) -> dict[str, str]:
    """The word for each app id, in a few queries however many they are."""
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
    unwanted = _scaled_to_nothing(session, [app.id for app in wanted if app.id not in live])
    return {
        app.id: _word(app, jobs.get(app.id, set()), live.get(app.id, []), is_unwanted=app.id in unwanted)
        for app in wanted
    }


def _scaled_to_nothing(session: Session, ids: list[str]) -> set[str]:
    """Those of which somebody wants no copy: web=0, and nothing else scaled up."""
    rows = session.execute(select(Formation).where(Formation.app_id.in_(ids))).scalars() if ids else ()
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row.app_id, {})[row.process_type] = row.quantity
    return {app_id for app_id, wanted in counts.items() if WEB in wanted and not any(wanted.values())}


def _word(app: App, jobs: set[str], live: list[Process], *, is_unwanted: bool) -> str:
    if RUNNING in jobs:
        return "Deploying"
    if QUEUED in jobs:
        return "Queued"
    if app.current_release_id is None:
        return "Never deployed"
    if app.is_stopped or is_unwanted:
        return "Stopped"
    if any(process.crashed_at is not None for process in live):
        return "Crashed"
    return "Running" if live else "Unhealthy"
