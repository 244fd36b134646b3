"""May this deploy go on, and where is its source? The first steps: decided from rows, then one file is taken over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paas.context import WorkerPlatform
from paas.errors import ConflictError, NotFoundError
from paas.flows.findings import find_app
from paas.flows.step import step
from paas.flows.work import Work
from paas.model import App, Source
from paas.rules.jobs import Deploy
from paas.rules.queue import check_turn


@dataclass(frozen=True)
class Received:
    """A source that lies below `sources/` now."""

    row: Source
    path: Path


@step("turn")
def take_turn(on: WorkerPlatform, work: Work, order: Deploy) -> App:
    """Raises ConflictError when the branch moved while the push waited (`branch-moved`), or the app is locked."""
    with on.database.read() as session:
        app = find_app(session, work)
    if app.is_locked:
        raise ConflictError(f"{app.name} is locked", f"apps:unlock {app.name}", code="app-locked")
    if order.push is not None:
        check_turn(order.push, app.branch_commit)
    return app


@step("receive", phase="receive")
def receive_source(on: WorkerPlatform, work: Work, order: Deploy) -> Received:
    """Take the tar file out of the door's inbox, while its hash is compared."""
    with on.database.read() as session:
        row = session.get(Source, order.source_id)
    if row is None or row.app_id != work.job.app_id:
        raise NotFoundError("The source of this deploy is not there", "push again", code="source-gone")
    inbox: Literal["ssh", "web"] = "web" if row.inbox == "web" else "ssh"
    return Received(row, on.sources.accept(inbox, row.file, row.sha256, row.id))
