"""How does a change of variables come to its processes? As a release of the same image, cut when the job runs.

The change is written into `config` by the transaction that makes the release current, so a change that fails stays in
its failed release, and of two queued changes neither carries nor loses the other.
"""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.errors import NotFoundError
from paas.flows.deploy import go_live
from paas.flows.drafts import draft_config
from paas.flows.findings import current_release_of, find_app, image_of, order_of
from paas.flows.say import JobLog
from paas.flows.variables import read_change, store_change
from paas.flows.work import Work
from paas.model import ConfigChange
from paas.rules.config import Change
from paas.rules.jobs import ApplyConfig


def apply_config(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    change = find_change(on, work)
    if not has_release(on, work):
        store_alone(on, work, change)
        say.header("Remembered: the first deploy takes it")
        return
    current = current_release_of(on, work)
    go_live(on, work, draft_config(on, current, image_of(on, current), change), say)


def find_change(on: WorkerPlatform, work: Work) -> Change:
    order = order_of(work, ApplyConfig)
    with on.database.read() as session:
        row = session.get(ConfigChange, order.change_id)
        if row is None or row.app_id != work.job.app_id:
            raise NotFoundError("The change of this job is not there", "set it again", code="change-gone")
        return read_change(on, row)


def has_release(on: WorkerPlatform, work: Work) -> bool:
    with on.database.read() as session:
        return find_app(session, work).current_release_id is not None


def store_alone(on: WorkerPlatform, work: Work, change: Change) -> None:
    with on.database.write() as session:
        store_change(on, session, find_app(session, work).id, change, work.job.created_by)
