"""An app's subnet and addresses are rows first; the next subnet is tried when Docker says that one overlaps."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network

import pytest

from paas.errors import ConflictError
from paas.flows.network import ensure_network, take_address
from paas.model import Address, App, RestingSubnet, select
from paas.ports import NetworkSpec
from paas.rules.placement import copy_addresses
from tests.flows.stage import APP, Stage


def test_the_first_free_subnet_is_taken_and_the_firewall_knows_the_bridge(stage: Stage) -> None:
    with stage.on.database.write() as session:
        session.add(RestingSubnet(subnet="10.208.0.0/25", released_at=stage.clock.now()))
    stage.runtime.create_network(NetworkSpec("other", "zzzz9999", IPv4Network("10.208.0.128/25")))
    assert ensure_network(stage.on, APP) == "paas-abcd1234"
    assert stage.app().subnet == "10.208.1.0/25"
    assert stage.on.firewall.bridges == ("paas-abcd1234",)  # type: ignore[attr-defined]
    assert ensure_network(stage.on, APP) == "paas-abcd1234"
    assert stage.app().subnet == "10.208.1.0/25"


def test_another_subnet_is_chosen_when_somebody_took_the_recorded_one(stage: Stage) -> None:
    with stage.on.database.write() as session:
        session.get_one(App, APP).subnet = "10.208.0.0/25"
    stage.runtime.create_network(NetworkSpec("vpn", "zzzz9999", IPv4Network("10.208.0.0/24")))
    ensure_network(stage.on, APP)
    assert stage.app().subnet == "10.208.1.0/25"


def test_a_pool_that_is_full_is_said_so(stage: Stage) -> None:
    stage.runtime.create_network(NetworkSpec("huge", "zzzz9999", IPv4Network("10.208.0.0/12")))
    with pytest.raises(ConflictError, match="network pool"):
        ensure_network(stage.on, APP)


def test_an_address_is_given_once(stage: Stage) -> None:
    ensure_network(stage.on, APP)
    with stage.on.database.write() as session:
        app = session.get_one(App, APP)
        session.add(Address(address="10.208.0.3", app_id=APP, container=None, released_at=stage.clock.now()))
        assert [take_address(session, app, name) for name in "abc"] == ["10.208.0.2", "10.208.0.4", "10.208.0.5"]


def test_a_network_whose_addresses_are_used_up_is_said_so(stage: Stage) -> None:
    ensure_network(stage.on, APP)
    with stage.on.database.write() as session:
        for number, address in enumerate(copy_addresses(IPv4Network("10.208.0.0/25"))):
            session.add(Address(address=str(address), app_id=APP, container=f"c{number}"))
    assert stage.push("a").result_code == "addresses-exhausted"
    assert stage.ledger() == ["v1 failed"]
    assert stage.running() == []


def test_apps_that_choose_at_the_same_moment_get_subnets_of_their_own(stage: Stage) -> None:
    others = [f"abcd000{number}" for number in range(6)]
    with stage.on.database.write() as session:
        for app_id in others:
            session.add(App(id=app_id, name=app_id, created_at=stage.clock.now(), created_by=None))
    start = threading.Barrier(len(others))

    def ensure(app_id: str) -> None:
        start.wait(10)
        ensure_network(stage.on, app_id)

    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(ensure, others))
    with stage.on.database.read() as session:
        chosen = session.scalars(select(App.subnet).where(App.id.in_(others))).all()
    assert len(set(chosen)) == len(others) and None not in chosen
