from __future__ import annotations

import pytest

from paas.errors import BuildError
from paas.rules.buildpack import find_buildpack, parse_buildpack

ELIXIR = """
title = "Elixir"
detect = ["mix.exs"]
[[base]]
role = "run"
name = "elixir"
[facts.phoenix]
files = ["mix.exs"]
matches = ":phoenix"
[[process]]
type = "web"
command = "mix phx.server"
when = ["phoenix"]
"""


def test_a_new_language_is_a_folder() -> None:
    pack = parse_buildpack("elixir", ELIXIR)
    found = find_buildpack({"elixir": pack}, ["lib/a.ex", "mix.exs"], lambda path: b"{:phoenix, 1}")
    assert found is not None
    assert (found[0].title, set(found[1]), found[2]) == ("Elixir", {"phoenix"}, "mix.exs")


def test_the_first_that_fits_is_taken_and_one_that_steps_aside_is_not() -> None:
    first = parse_buildpack("first", ELIXIR.replace("[[base]]", 'unless = ["phoenix"]\n[[base]]', 1))
    second = parse_buildpack("second", ELIXIR)
    found = find_buildpack({"first": first, "second": second}, ["mix.exs"], lambda path: b":phoenix")
    assert found is not None and found[0].name == "second"
    found = find_buildpack({"first": first, "second": second}, ["mix.exs"], lambda path: b"")
    assert found is not None and found[0].name == "first"
    assert find_buildpack({"first": first}, ["a"], lambda path: b"") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("title = ", "Invalid value"),
        ('title = "X"', "detect"),
        (ELIXIR + 'colour = "x"', "process.0.colour"),
        (ELIXIR.replace('when = ["phoenix"]', 'when = ["!phenix"]'), "'phenix', which is not declared"),
        (
            ELIXIR + '[facts.early]\nfiles = ["a"]\nwhen = ["late"]\n[facts.late]\nfiles = ["b"]',
            "'late', which is not declared",
        ),
    ],
)
def test_a_broken_folder_is_named_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BuildError) as caught:
        parse_buildpack("elixir", text)
    assert caught.value.code == "buildpack"
    assert caught.value.message.startswith("buildpacks/elixir/buildpack.toml: ") and reason in caught.value.message
