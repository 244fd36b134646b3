"""In which state are the processes of an app: how many are wanted, which copies run, what did they say last?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from paas.commands import present
from paas.context import Platform
from paas.model import App, Process, Release, Session
from paas.model.app import formation_of
from paas.model.process import processes_of
from paas.rules.formation import formation_for
from paas.rules.logline import parse_record
from paas.rules.names import display_name, log_folder

LAST_LINES = 5  # of a crashed process


@dataclass(frozen=True)
class ProcessView:
    """One running copy, or one that ought to run."""

    name: str
    state: str
    release: str
    container: str
    since: datetime
    restarts: int
    exit_code: int | None
    last_lines: tuple[str, ...] = ()  # of a crashed one: what it said before


def current_formation(session: Session, app: App) -> dict[str, int]:
    """Wanted copies by process, of what the current release has; before the first deploy what was asked for."""
    wanted = formation_of(session, app.id)
    release = session.get(Release, app.current_release_id) if app.current_release_id else None
    if release is None:
        return wanted or {"web": 1}
    return formation_for(list(release.processes), wanted, release.manifest.get("formation", {}))


def process_views(session: Session, app: App) -> list[ProcessView]:
    """The copies of an app that serve or ought to, by name."""
    views = []
    for row in processes_of(session, app.id, "live", "starting"):
        release = session.get(Release, row.release_id)
        views.append(
            ProcessView(
                name=display_name(row.process_type, row.copy),
                state=_state(row),
                release=f"v{release.version}" if release else "",
                container=row.container,
                since=row.created_at,
                restarts=row.restarts,
                exit_code=row.exit_code,
            )
        )
    return views


def _state(process: Process) -> str:
    if process.state == "starting":
        return "Deploying"
    return "Crashed" if process.crashed_at is not None else "Running"


def last_lines(on: Platform, app: App, name: str) -> tuple[str, ...]:
    """What the copy `web.1` said last."""
    lines = on.logs.tail(f"{log_folder(app.id)}/{name}.log", LAST_LINES)
    return tuple(present.harmless_log(record.text) for line in lines if (record := parse_record(line)))


def running_word(app: App, views: list[ProcessView]) -> str:
    """Do all copies run? true, false or mixed, as Dokku says it."""
    if app.is_stopped or not views:
        return "false"
    return "true" if all(view.state == "Running" for view in views) else "mixed"
