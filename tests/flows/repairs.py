"""An app that serves, and the repairs that the reconciler queued for it."""

from __future__ import annotations

from paas.model import Job, select
from tests.flows.stage import Stage


def deployed(stage: Stage) -> str:
    """An app that serves; the name of its web container."""
    stage.push("a")
    stage.settle()
    return stage.rows("live")[0].container


def repairs(stage: Stage) -> list[int]:
    with stage.on.database.read() as session:
        return list(session.scalars(select(Job.id).where(Job.kind == "repair").order_by(Job.id)))


def run_repairs(stage: Stage) -> None:
    for job_id in repairs(stage):
        if stage.job(job_id).state == "queued":
            job = stage.run(job_id)
            assert job.state == "succeeded", stage.log(job_id)
