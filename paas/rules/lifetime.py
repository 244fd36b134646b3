"""How long is it kept? Images for rollbacks, sources for rebuilds, old copies while they drain."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

WENT_LIVE = ("current", "superseded")


@dataclass(frozen=True)
class Kept:
    """One release of an app as the pruner sees it."""

    image_id: int
    source_id: int | None
    status: str


def kept_images(releases: Sequence[Kept], count: int) -> set[int]:
    """Images that stay: the current one, the newest `count` of those that served (it included), pending ones.

    releases: newest first.
    """
    current = [release.image_id for release in releases if release.status == "current"]
    served = [release.image_id for release in releases if release.status in WENT_LIVE]
    newest = list(dict.fromkeys([*current, *served]))[:count]
    return {*newest, *(release.image_id for release in releases if release.status == "pending")}


def kept_sources(releases: Sequence[Kept], images: Collection[int]) -> set[int]:
    """Sources that stay: those of the images that do, so that what may become current can be built again."""
    return {it.source_id for it in releases if it.source_id is not None and it.image_id in images}


def may_stop(connections: int, seconds_retiring: float, drain_timeout: float) -> bool:
    """May a copy that serves no more be stopped? When nobody speaks to it any more, or the wait was long enough."""
    return connections == 0 or seconds_retiring >= drain_timeout
