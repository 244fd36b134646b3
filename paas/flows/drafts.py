"""What will a new release hold, by its cause? One function for each way to a release."""

from __future__ import annotations

from paas.context import WorkerPlatform
from paas.flows.build import BuildPlan
from paas.flows.release import Draft
from paas.flows.variables import open_snapshot, read_config
from paas.model import Image, Release
from paas.rules.config import Change, Config, apply_change, describe_change


def draft_build(on: WorkerPlatform, plan: BuildPlan, image: Image, cause: str) -> Draft:
    """A deploy or a rebuild: a new image, the config as it stands now, and what app.json adds to it."""
    source = plan.source.row
    with on.database.read() as session:
        config = read_config(on, session, image.app_id)
    what = f" {source.commit[:7]}" if source.commit else ""
    return Draft(
        cause=cause,
        description=f"{cause.capitalize()}{what}",
        image=image,
        processes=image.processes,
        manifest=image.manifest,
        config={**plan.adopted, **config},
        source_id=source.id,
        commit=source.commit,
        adopted=sorted(set(plan.adopted) - set(config)),
    )


def draft_config(on: WorkerPlatform, current: Release, image: Image, change: Change) -> Draft:
    """The current release with the config as it stands now and a change."""
    with on.database.read() as session:
        config = read_config(on, session, current.app_id)
    return _again(current, image, "config", describe_change(change), apply_change(config, change))


def draft_rollback(on: WorkerPlatform, target: Release, image: Image) -> Draft:
    """Code and config of an earlier release."""
    return _again(target, image, "rollback", f"Rollback to v{target.version}", open_snapshot(on, target))


def _again(release: Release, image: Image, cause: str, description: str, config: Config) -> Draft:
    return Draft(
        cause=cause,
        description=description,
        image=image,
        processes=release.processes,
        manifest=release.manifest,
        config=config,
        source_id=release.source_id,
        commit=release.commit,
    )
