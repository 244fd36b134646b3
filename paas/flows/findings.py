"""What does a flow find when it begins? Its order, its app, what is current there, and what is wanted of it."""

from __future__ import annotations

from typing import TypeVar

from paas.context import WorkerPlatform
from paas.errors import AppNotFoundError, ConflictError, NotFoundError
from paas.flows.work import Work
from paas.model import App, Image, Release, Session, select
from paas.model.app import formation_of
from paas.rules.builder import DOCKERFILE_BUILDER
from paas.rules.formation import formation_for
from paas.rules.jobs import Order
from paas.rules.names import check_app_id
from paas.rules.recipe import Recipe, read_recipe

O = TypeVar("O", bound=Order)  # noqa: E741 - an order


def order_of(work: Work, kind: type[O]) -> O:
    """The job's order, which the dispatcher chose this flow for."""
    if not isinstance(work.order, kind):
        raise TypeError(f"job {work.job.id} is no {kind.__name__}")
    return work.order


def find_app(session: Session, work: Work) -> App:
    """The job's app. Raises AppNotFoundError when it was, or is being, destroyed."""
    app = session.get(App, check_app_id(work.job.app_id or ""))
    if app is None or app.is_destroying:
        raise AppNotFoundError(work.job.app_name or "")
    return app


def app_of(on: WorkerPlatform, work: Work) -> App:
    with on.database.read() as session:
        return find_app(session, work)


def current_release_of(on: WorkerPlatform, work: Work) -> Release:
    """Raises ConflictError (code `never-deployed`)."""
    with on.database.read() as session:
        app = find_app(session, work)
        release = session.get(Release, app.current_release_id) if app.current_release_id else None
    if release is None:
        raise ConflictError(f"{app.name} was never deployed", "git push paas main", code="never-deployed")
    return release


def release_of_job(on: WorkerPlatform, work: Work) -> Release | None:
    """The release that an earlier attempt of this job had cut."""
    with on.database.read() as session:
        return session.scalar(select(Release).where(Release.job_id == work.job.id))


def image_of(on: WorkerPlatform, release: Release) -> Image:
    """Raises NotFoundError (code `image-gone`) when it was pruned."""
    with on.database.read() as session:
        image = session.get(Image, release.image_id)
    if image is None or image.removed_at is not None:
        hint = "ps:rebuild builds the current source again"
        raise NotFoundError(f"The image of v{release.version} is not kept any more", hint, code="image-gone")
    return image


def recipe_of(release: Release) -> Recipe:
    return read_recipe(release.processes, release.manifest)


def wanted_formation(on: WorkerPlatform, release: Release) -> dict[str, int]:
    """Copies per process: what `ps:scale` set, else what app.json asks for, else one web."""
    recipe = recipe_of(release)
    with on.database.read() as session:
        scaled = formation_of(session, release.app_id)
    return formation_for(list(recipe.processes), scaled, recipe.manifest.formation)


def is_ours(image: Image) -> bool:
    """Was it made by a buildpack of ours?"""
    return image.builder != DOCKERFILE_BUILDER
