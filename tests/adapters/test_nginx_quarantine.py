from __future__ import annotations

from collections.abc import Iterator

import pytest

from paas.adapters.nginx_config import Files
from paas.adapters.nginx_quarantine import Wanted, sift
from paas.errors import UnavailableError

BASE = {"nginx.conf": b"base"}


def check(files: Files) -> str:
    """Refuses what says `bad`, and two files that say the same."""
    bad = [name for name, content in files.items() if b"bad" in content]
    if bad:
        return f"{bad[0]} is bad"
    return "said twice" if len(set(files.values())) < len(files) else ""


def nothing(name: str) -> Iterator[bytes]:
    yield from ()


def page(name: str) -> Iterator[bytes]:
    yield b"page of " + name.encode()


def test_good_sites_are_served_as_they_are() -> None:
    sifted = sift(Wanted(BASE, {"a": b"1", "b": b"2"}, {}), dict, page, check)
    assert sifted.files == BASE | {"a": b"1", "b": b"2"}
    assert sifted.quarantined == {}


def test_a_broken_site_is_replaced_and_its_neighbours_stay() -> None:
    sifted = sift(Wanted(BASE, {"a": b"bad", "b": b"2"}, {}), dict, page, check)
    assert sifted.files == BASE | {"a": b"page of a", "b": b"2"}
    assert sifted.quarantined == {"a": "a is bad"}


def test_the_first_substitute_that_is_accepted_is_taken() -> None:
    sifted = sift(Wanted(BASE, {"a": b"bad"}, {}), dict, lambda name: iter((b"bad too", b"good", b"other")), check)
    assert sifted.files["a"] == b"good"


def test_without_a_substitute_a_broken_site_is_left_out() -> None:
    assert sift(Wanted(BASE, {"a": b"bad", "b": b"2"}, {}), dict, nothing, check).files == BASE | {"b": b"2"}


def test_what_could_not_be_made_is_quarantined_too() -> None:
    sifted = sift(Wanted(BASE, {"b": b"2"}, {"a": "unsafe"}), dict, page, check)
    assert sifted.files == BASE | {"a": b"page of a", "b": b"2"}
    assert sifted.quarantined == {"a": "unsafe"}


def test_of_two_that_clash_the_one_that_changed_is_quarantined() -> None:
    sifted = sift(Wanted(BASE, {"a": b"same", "b": b"same"}, {}), lambda: {"b": b"same"}, page, check)
    assert sifted.quarantined == {"a": "said twice"}
    assert sifted.files["b"] == b"same"


def test_of_two_that_clash_and_changed_one_is_served() -> None:
    sifted = sift(Wanted(BASE, {"a": b"same", "b": b"same", "c": b"3"}, {}), dict, page, check)
    assert len(sifted.quarantined) == 1
    assert sifted.files["c"] == b"3"


def test_a_broken_base_is_nobodys_fault_but_ours() -> None:
    with pytest.raises(UnavailableError, match=r"base configuration: nginx.conf is bad"):
        sift(Wanted({"nginx.conf": b"bad"}, {"a": b"1"}, {}), dict, page, check)
