from __future__ import annotations

from collections.abc import Callable

import pytest

from paas.errors import BadInputError
from paas.rules import names

MAKERS: list[Callable[[str], str]] = [
    names.network_name,
    names.image_repository,
    names.site_name,
    names.log_folder,
    lambda app_id: names.image_tag(app_id, "0" * 32),
    lambda app_id: names.container_name(app_id, "web", 1, 1),
    lambda app_id: names.task_container_name(app_id, "run", 1),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("app_id", ["", "..", "x/../../etc/x", "/etc", "a b", "A", "a\n", "\u0430bc", "a" * 33, "-a"])
def test_nothing_is_named_by_what_is_no_id(make: Callable[[str], str], app_id: str) -> None:
    with pytest.raises(BadInputError) as refused:
        make(app_id)
    assert refused.value.code == "app-id"


def test_names_carry_the_id() -> None:
    assert all("abcd1234" in make("abcd1234") for make in MAKERS)


@pytest.mark.parametrize(
    ("tag", "is_theirs"),
    [("paas/abcd1234:00", True), ("paas/abcd1235:00", False), ("debian:bookworm", False), ("paas/abcd1234", False)],
)
def test_an_image_is_known_by_its_repository(tag: str, is_theirs: bool) -> None:
    assert names.is_image_of(tag, "abcd1234") is is_theirs


def test_a_one_off_is_found_by_its_number_and_nothing_else_is() -> None:
    assert names.run_number("paas-abcd1234-run-j17") == 17 and names.run_name("blog", 17) == "blog.run.17"
    for name in ("paas-abcd1234-release-j17", "paas-abcd1234-web-1-r1", "paas-abcd1234-run-j17\n", "x"):
        assert names.run_number(name) is None
