"""A reboot: every process gone, every container gone, nginx dead. `paas up` brings all apps back, no human needed."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from tests.journeys.installation import Installation
from tests.journeys.leftovers import assert_nothing_is_left
from tests.journeys.repository import small_app
from tests.journeys.test_release_and_config import deployed, set_variables
from tests.waiting import wait_until

PROCFILE = "web: python3 -u server.py\nworker: sleep 1000\n"


def test_after_a_reboot_with_everything_gone_all_apps_serve(own: Callable[..., Installation]) -> None:
    on = own()
    deployed(on, "blog", Procfile=PROCFILE)
    assert on.ssh("ps:scale", "blog", "web=2", "worker=1").returncode == 0
    shop = deployed(on, "shop")
    assert set_variables(on, "shop", "COLOUR=red").returncode == 0
    shop.commit(small_app("bad", Procfile="web: python3 -u server.py\nrelease: exit 1\n"))
    assert shop.push().returncode == 1  # what failed is not what a reboot starts
    deployed(on, "halted")
    assert on.ssh("ps:stop", "halted").returncode == 0
    on.kill("supervisor")
    nginx = psutil.Process(on.pids()["nginx"])
    for process in (nginx, *nginx.children()):
        process.kill()
    wait_until(lambda: not on.pids(), what="the end of all processes")
    for container in on.runtime.containers():
        on.runtime.remove(container.name)
    for network in on.runtime.networks():
        on.runtime.remove_network(network.name)
    assert on.get("blog")[0] == 0
    on.up()
    wait_until(lambda: on.get("blog") == on.get("shop") == (200, "one"), what="the apps")
    assert on.get("shop", "/env/COLOUR") == (200, "red")
    assert on.get("halted")[0] == 503
    assert_nothing_is_left(on)
    assert sorted(each["name"] for each in on.ask("ps", "blog")) == ["web.1", "web.2", "worker.1"]
    assert on.ssh("ps:start", "halted").returncode == 0
    assert on.get("halted") == (200, "one")
    shop.commit(small_app("two", Procfile="web: python3 -u server.py\n"))
    assert shop.push().returncode == 0
    assert on.get("shop") == (200, "two")
