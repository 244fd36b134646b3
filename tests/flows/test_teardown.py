"""An installation leaves: its firewall always, what Docker holds of it only when that was asked for."""

from __future__ import annotations

from paas.flows.teardown import teardown
from tests.fakes.firewall import FakeFirewall
from tests.flows.stage import Stage


def test_the_firewall_goes_and_apps_go_on(stage: Stage) -> None:
    stage.push("a")
    stage.on.firewall.ensure((), (80,))
    teardown(stage.on, purge=False)
    assert isinstance(stage.on.firewall, FakeFirewall) and stage.on.firewall.bridges is None
    assert stage.running() == ["web.1 v1"]


def test_a_purge_takes_containers_networks_and_images_and_may_happen_twice(stage: Stage) -> None:
    stage.push("a")
    assert stage.runtime.networks() and stage.runtime.images()
    for _ in range(2):
        teardown(stage.on, purge=True)
        assert stage.runtime.containers() == stage.runtime.networks() == stage.runtime.images() == []
