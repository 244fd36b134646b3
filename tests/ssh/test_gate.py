from __future__ import annotations

import pytest

from paas.ssh.gate import FREE_FAILURES, LONGEST_WAIT, Gate, GateLimits, Shares, network_of
from tests.fakes.clock import FakeClock

LIMITS = GateLimits(connections=6, pending=4, pending_per_address=2)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def gate(clock: FakeClock) -> Gate:
    return Gate(LIMITS, clock.monotonic)


def test_an_address_has_its_share_of_pending_connections(gate: Gate) -> None:
    assert [gate.enter("192.0.2.1") for _ in range(2)] == ["", ""]
    assert "from this address" in gate.enter("192.0.2.1")
    assert gate.enter("192.0.2.2") == ""


def test_all_together_have_theirs(gate: Gate) -> None:
    assert [gate.enter(f"192.0.2.{number}") for number in range(4)] == [""] * 4
    assert "have not logged in" in gate.enter("192.0.2.9")


def test_a_login_makes_room_for_others(gate: Gate) -> None:
    for _ in range(2):
        gate.enter("192.0.2.1")
    gate.admit("192.0.2.1")
    assert gate.enter("192.0.2.1") == ""


def test_connections_are_counted_in_all(gate: Gate) -> None:
    for number in range(6):
        gate.enter(f"192.0.2.{number}")
        gate.admit(f"192.0.2.{number}")
    assert gate.enter("192.0.2.9") == "too many connections"
    gate.leave("192.0.2.1", was_pending=False)
    assert gate.enter("192.0.2.9") == ""


def test_failures_in_a_row_make_an_address_wait_longer_and_longer(gate: Gate, clock: FakeClock) -> None:
    def fail() -> str:
        refusal = gate.enter("192.0.2.1")
        if not refusal:
            gate.fail("192.0.2.1")
            gate.leave("192.0.2.1", was_pending=True)
        return refusal

    assert [fail() for _ in range(FREE_FAILURES + 1)] == [""] * (FREE_FAILURES + 1)
    assert fail() == "too many failed logins"
    clock.advance(2.1)
    assert fail() == ""
    clock.advance(2.1)
    assert fail() == "too many failed logins"
    assert gate.enter("192.0.2.2") == ""
    for _ in range(30):
        clock.advance(LONGEST_WAIT + 1)
        assert fail() == ""


def test_a_login_forgives(gate: Gate, clock: FakeClock) -> None:
    for _ in range(FREE_FAILURES):
        gate.fail("192.0.2.1")
    gate.enter("192.0.2.1")
    gate.admit("192.0.2.1")
    gate.fail("192.0.2.1")
    assert gate.enter("192.0.2.1") == ""


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_a_stranger_has_an_ipv4_address_or_a_network_of_ipv6(one: str, other: str, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) is is_same


def test_one_user_does_not_take_all() -> None:
    shares = Shares(all_together=3, each=2)
    assert [shares.take(1), shares.take(1), shares.take(1)] == [True, True, False]
    assert [shares.take(2), shares.take(3)] == [True, False]
    shares.give_back(1)
    assert [shares.take(3), shares.take(3)] == [True, False]
