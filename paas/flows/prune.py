"""What is not needed any more? Images past the number that is kept, sources nobody builds again, build cache.

Never a base image, a volume, or anything that is not this installation's.
"""

from __future__ import annotations

from dataclasses import dataclass

from paas.context import WorkerPlatform
from paas.flows.say import JobLog
from paas.flows.work import Work
from paas.model import App, Image, Job, Process, Release, Session, Source, select, update
from paas.model.job import QUEUED, RUNNING
from paas.rules.jobs import Prune
from paas.rules.lifetime import Kept, kept_images, kept_sources
from paas.rules.names import LABEL_APP_ID, is_app_id, is_image_of


def queue_prune(on: WorkerPlatform) -> None:
    """Every night, as a job like any other, so that it is seen and never runs beside another one of its kind."""
    with on.database.write() as session:
        if session.scalar(select(Job.id).where(Job.kind == "prune", Job.state.in_((QUEUED, RUNNING))).limit(1)):
            return
        session.add(
            Job(
                kind="prune", app_id=None, app_name=None, payload=Prune().model_dump(mode="json"),
                created_at=on.clock.now(), created_by="platform", user_id=None, via="timetable",
            )
        )  # fmt: skip
    on.worker.ring()


def prune(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    with on.database.read() as session:
        ids = list(session.scalars(select(App.id).where(App.is_destroying.is_(False)).order_by(App.id)))
    images = 0
    for app_id in filter(is_app_id, ids):
        work.check()
        images += prune_app(on, app_id)
    images += remove_unknown_images(on)
    freed = on.builder.prune(on.settings.build_cache_limit)
    say.header(f"Removed {images} images; freed {freed // 1_000_000} MB of build cache")


# --- One app ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Surplus:
    images: tuple[Image, ...] = ()
    sources: tuple[int, ...] = ()


def prune_app(on: WorkerPlatform, app_id: str) -> int:
    """Remove what an app does not need any more; how many images."""
    with on.database.read() as session:
        surplus = find_surplus(session, app_id, on.settings.images_kept)
    ours = [image for image in surplus.images if is_image_of(image.tag, app_id)]
    removed = [image.id for image in ours if on.runtime.remove_image(image.tag)]
    for source_id in surplus.sources:
        on.sources.remove(source_id)
    if removed or surplus.sources:
        now = on.clock.now()
        with on.database.write() as session:
            session.execute(update(Image).where(Image.id.in_(removed)).values(removed_at=now))
            session.execute(update(Source).where(Source.id.in_(surplus.sources)).values(removed_at=now))
    return len(removed)


def find_surplus(session: Session, app_id: str, count: int) -> Surplus:
    """Read in this order: whatever belongs to a job that comes after the first look is not in the lists."""
    images = session.scalars(select(Image).where(Image.app_id == app_id, Image.removed_at.is_(None))).all()
    sources = session.scalars(select(Source.id).where(Source.app_id == app_id, Source.removed_at.is_(None))).all()
    is_busy = session.scalar(select(Job.id).where(Job.app_id == app_id, Job.state.in_((QUEUED, RUNNING))).limit(1))
    if is_busy is not None:
        return Surplus()
    columns = select(Release.image_id, Release.source_id, Release.status)
    ledger = [
        Kept(row.image_id, row.source_id, row.status)
        for row in session.execute(columns.where(Release.app_id == app_id).order_by(Release.version.desc()))
    ]
    running = session.scalars(
        select(Release.image_id).join(Process, Process.release_id == Release.id).where(Process.app_id == app_id)
    )
    keep = kept_images(ledger, count) | set(running)
    needed = kept_sources(ledger, keep)
    return Surplus(
        tuple(image for image in images if image.id not in keep),
        tuple(source_id for source_id in sources if source_id not in needed),
    )


# --- What no row knows ------------------------------------------------------------------------------------------------
def remove_unknown_images(on: WorkerPlatform) -> int:
    """Images with an app's label that no row names, unless the app's job may just be making it."""
    found = [(image, image.labels.get(LABEL_APP_ID)) for image in on.runtime.images()]
    with on.database.read() as session:
        known = set(session.scalars(select(Image.tag).where(Image.removed_at.is_(None))))
        busy = set(session.scalars(select(Job.app_id).where(Job.state.in_((QUEUED, RUNNING)))))
    removed = 0
    for image, app_id in found:
        if app_id and app_id not in busy and image.tags and not known.intersection(image.tags):
            removed += on.runtime.remove_image(image.tags[0])
    return removed
