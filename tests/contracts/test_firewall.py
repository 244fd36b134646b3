"""What every Firewall promises: asked of the fake and of iptables alike."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from paas.adapters.firewall import IptablesFirewall
from paas.ports import Firewall
from tests.fakes.firewall import FakeFirewall


@pytest.fixture(params=["fake", "iptables"])
def wall(request: pytest.FixtureRequest) -> Iterator[Firewall]:
    made = FakeFirewall() if request.param == "fake" else IptablesFirewall("t-contract", IPv4Network("10.251.0.0/16"))
    made.remove()
    yield made
    made.remove()


def test_a_wall_that_was_never_set_up_is_told(wall: Firewall) -> None:
    assert wall.check() != []


def test_a_wall_stands_once_it_was_set_up_however_often(wall: Firewall) -> None:
    for ports in ((80, 443, 2222), (80, 443, 2222), (), (8080,)):
        wall.ensure(("paas-abcdefgh",), ports)
        assert wall.check() == []


def test_a_wall_can_be_taken_away_twice_and_set_up_again(wall: Firewall) -> None:
    wall.ensure((), (80,))
    wall.remove()
    wall.remove()
    assert wall.check() != []
    wall.ensure((), (80,))
    assert wall.check() == []
