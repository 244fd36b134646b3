"""How is the current source built again? As a deploy without a push: a new image, the next release."""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.errors import NotFoundError
from paas.flows.build import build_image, choose_builder
from paas.flows.deploy import go_live
from paas.flows.drafts import draft_build
from paas.flows.findings import app_of, current_release_of, order_of
from paas.flows.receive import Received
from paas.flows.say import JobLog
from paas.flows.work import Work
from paas.model import Source
from paas.rules.jobs import Rebuild


def rebuild(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    order = order_of(work, Rebuild)
    source = find_source(on, work)
    plan = choose_builder(on, work, app_of(on, work), source, say)
    image = build_image(on, work, plan, say, order.no_cache)
    go_live(on, work, draft_build(on, plan, image, "rebuild"), say)


def find_source(on: WorkerPlatform, work: Work) -> Received:
    """The current release's. Raises NotFoundError (code `source-gone`)."""
    release = current_release_of(on, work)
    with on.database.read() as session:
        row = session.get(Source, release.source_id) if release.source_id else None
    if row is None or row.removed_at is not None:
        raise NotFoundError(f"The source of v{release.version} is not kept", "push again", code="source-gone")
    return Received(row, on.sources.path(row.id))
