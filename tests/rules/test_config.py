"""Names and values that an environment can carry, changes of them, and what a process finds."""

from __future__ import annotations

import pytest

from paas.errors import BadInputError
from paas.rules.config import (
    Change,
    ProcessFacts,
    Variable,
    apply_change,
    check_config,
    check_key,
    check_value,
    describe_change,
    process_environment,
    read_snapshot,
    write_snapshot,
)  # fmt: skip
from paas.rules.secret import Secret


def config(**values: str) -> dict[str, Variable]:
    return {key: Variable(Secret(value)) for key, value in values.items()}


@pytest.mark.parametrize("key", ["A", "_x", "DATABASE_URL", "a1", "PATH", "LD_LIBRARY_PATH", "A" * 128])
def test_names_of_variables(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "1A", "A-B", "A B", "A=B", "A\n", "Ä", "A\0", "A" * 129, "LD_PRELOAD", "LD_AUDIT", "PAAS_APP"]
)
def test_what_cannot_be_a_name_is_refused(key: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        check_key(key)
    assert refusal.value.code == "config-key"
    assert "\n" not in refusal.value.message


@pytest.mark.parametrize("value", ["", " ", 'it\'s "q"\n\ttwo', "ünïcödé 🎈", "x" * 100_000])
def test_values_survive(value: str) -> None:
    assert check_value("A", value) == value
    assert read_snapshot(write_snapshot(config(A=value)))["A"].value.reveal() == value


@pytest.mark.parametrize("value", ["a\0b", "x" * 1_000_000, "ä" * 60_000, "\udc80"])
def test_values_that_no_environment_can_carry_are_refused(value: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        check_value("A", value)
    assert refusal.value.code == "config-value"


@pytest.mark.parametrize("value", ["abc", "", "0", "65536", "٨٠", "80 "])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        check_value("PORT", value)
    assert refusal.value.code == "port"
    assert check_value("PORT", "8080") == "8080"


def test_what_is_for_builds_stays_so_until_it_is_unset() -> None:
    before = {"A": Variable(Secret("1"), is_build=True)}
    assert apply_change(before, Change(config(A="2")))["A"] == Variable(Secret("2"), is_build=True)
    assert apply_change(before, Change(config(A="2"), replaces_all=True))["A"] == Variable(Secret("2"))


def test_all_together_must_fit_too() -> None:
    with pytest.raises(BadInputError) as refusal:
        check_config(config(**{f"K{number}": "x" * 90_000 for number in range(12)}))
    assert refusal.value.code == "config-size"


def test_a_change_sets_and_unsets_and_a_rollback_replaces() -> None:
    before = config(A="1", B="2")
    after = apply_change(before, Change(config(C="3", A="9"), unset=("B", "Z")))
    assert {key: it.value.reveal() for key, it in after.items()} == {"A": "9", "C": "3"}
    assert list(apply_change(before, Change(config(C="3"), replaces_all=True))) == ["C"]


def test_changes_are_described_without_values() -> None:
    assert describe_change(Change(config(B="secret", A="x"), unset=("C",))) == "Set A, B; Unset C"
    assert describe_change(Change(unset=("C",))) == "Unset C"


def test_a_process_finds_the_platforms_variables_below_the_users() -> None:
    facts = ProcessFacts("blog", "web", 2, 7, "c" * 40, 5000)
    found = {key: it.reveal() for key, it in process_environment(facts, config(A="1", GIT_REV="mine")).items()}
    assert found == {
        "PAAS_APP": "blog", "PAAS_PROCESS": "web.2", "PAAS_RELEASE": "v7", "GIT_REV": "mine",
        "SOURCE_VERSION": "c" * 40, "A": "1", "PORT": "5000",
    }  # fmt: skip


def test_port_is_webs_alone() -> None:
    facts = ProcessFacts("blog", "worker", 1, 7, None, 5000)
    found = process_environment(facts, config(PORT="7000"))
    assert "PORT" not in found
    assert "GIT_REV" not in found
