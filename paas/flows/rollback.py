"""How does an earlier release come back? Its image and its variables, as a new release; nothing is built.

Databases are not rolled back, and the release task does not run: an old migration tool would meet a newer schema.
"""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.errors import ConflictError, NotFoundError
from paas.flows.deploy import go_live
from paas.flows.drafts import draft_rollback
from paas.flows.findings import app_of, image_of, order_of
from paas.flows.say import JobLog
from paas.flows.variables import open_snapshot
from paas.flows.work import Work
from paas.model import Image, Release
from paas.model.release import release_by_version
from paas.rules.jobs import Rollback
from paas.rules.lifetime import WENT_LIVE


def rollback(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    target = find_target(on, work)
    image = image_there(on, target)
    say.hide(open_snapshot(on, target))
    say.header(f"Rolling back to v{target.version} ({target.description}): code and variables")
    say("Databases are not rolled back")
    go_live(on, work, draft_rollback(on, target, image), say)


def find_target(on: WorkerPlatform, work: Work) -> Release:
    """Raises NotFoundError (code `release-not-found`) or ConflictError (code `release-failed`)."""
    order, app = order_of(work, Rollback), app_of(on, work)
    hint = f"releases {app.name}"
    with on.database.read() as session:
        target = release_by_version(session, app.id, order.version)
    if target is None:
        raise NotFoundError(f"{app.name} has no release v{order.version}", hint, code="release-not-found")
    if target.status not in WENT_LIVE:
        raise ConflictError(f"v{target.version} never served: nothing goes back to it", hint, code="release-failed")
    return target


def image_there(on: WorkerPlatform, target: Release) -> Image:
    """Raises NotFoundError (code `image-gone`) when it was pruned, by us or behind our back."""
    image = image_of(on, target)
    if on.runtime.image(image.docker_id) is None:
        raise NotFoundError(
            f"The image of v{target.version} is gone from Docker", "push that commit again", code="image-gone"
        )
    return image
