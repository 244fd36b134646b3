"""What may a door ask the worker, and what is answered? `state` and `inspect`; app.py adds `doctor`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

import paas
from paas.context import WorkerPlatform
from paas.errors import BadInputError
from paas.model import Job, func, select
from paas.model.job import QUEUED
from paas.rules.names import APP_ID_LENGTH
from paas.worker.line import Handler
from paas.worker.loop import JobLoop


def handlers(on: WorkerPlatform, loop: JobLoop, started_at: datetime) -> dict[str, Handler]:
    """Question -> what answers it."""

    def state(words: Mapping[str, str]) -> Mapping[str, object]:
        """Who the worker is and what it is at: `pid, version, started_at, queued, running`."""
        with on.database.read() as session:
            queued = session.scalar(select(func.count()).select_from(Job).where(Job.state == QUEUED))
        return {
            "pid": os.getpid(),
            "version": paas.__version__,
            "started_at": started_at.isoformat(),
            "queued": queued,
            "running": [
                {"id": job.id, "kind": job.kind, "app": job.app_name, "attempt": job.attempt} for job in loop.running()
            ],
        }

    def inspect(words: Mapping[str, str]) -> Mapping[str, object]:
        """What Docker says of one app's containers (`app_id`); no variables, no secrets."""
        app_id = words.get("app_id", "")
        if len(app_id) != APP_ID_LENGTH:
            raise BadInputError("Whose containers?", code="bad-question")
        return {"containers": [asdict(container) for container in on.runtime.containers(app_id)]}

    return {"state": state, "inspect": inspect}
