"""Images that may be gone back to stay, with their sources."""

from __future__ import annotations

import pytest

from paas.rules.lifetime import Kept, kept_images, kept_sources, may_stop


def ledger(*releases: tuple[int, str]) -> list[Kept]:
    return [Kept(image, image * 10, status) for image, status in releases]


@pytest.mark.parametrize(
    ("releases", "count", "kept"),
    [
        (ledger(), 5, set()),
        (ledger((3, "current"), (2, "superseded"), (1, "superseded")), 2, {3, 2}),
        (ledger((3, "failed"), (2, "current"), (1, "superseded")), 2, {2, 1}),
        (ledger((4, "pending"), (3, "current"), (2, "superseded")), 1, {4, 3}),
        (ledger((1, "current"), (3, "superseded"), (2, "superseded"), (1, "superseded")), 2, {1, 3}),  # a rollback
        (ledger((9, "superseded"), (1, "current")), 1, {1}),
        (ledger((2, "current"), (2, "superseded"), (1, "superseded")), 2, {2, 1}),  # config changes share an image
    ],
)
def test_the_current_image_and_the_newest_that_served_stay(releases: list[Kept], count: int, kept: set[int]) -> None:
    assert kept_images(releases, count) == kept


def test_sources_stay_with_their_images() -> None:
    releases = [*ledger((3, "current"), (2, "superseded")), Kept(3, None, "superseded")]
    assert kept_sources(releases, {3}) == {30}


@pytest.mark.parametrize(
    ("connections", "waited", "may"), [(0, 0.0, True), (1, 0.0, False), (1, 29.9, False), (1, 30.0, True)]
)
def test_a_copy_stops_when_nobody_speaks_to_it_or_the_wait_is_over(connections: int, waited: float, may: bool) -> None:
    assert may_stop(connections, waited, 30.0) is may
