"""What fingers and scripts of Dokku type, beside what other journeys type anyway."""

from __future__ import annotations

import contextlib
from http.client import HTTPConnection

from tests.journeys.installation import Installation
from tests.journeys.test_release_and_config import deployed
from tests.waiting import wait_until


def test_an_app_takes_larger_uploads_than_the_rest_until_it_is_told_otherwise(shared: Installation) -> None:
    deployed(shared, "uploads")
    for limit, status in (("1k", 413), ("1m", 200)):
        assert shared.ssh("nginx:set", "uploads", "client-max-body-size", limit).returncode == 0
        assert _post(shared, "uploads", 2000) == status
    refused = shared.ssh("nginx:set", "uploads", "client-max-body-size", "'1m; return 200'")
    assert refused.returncode == 1 and "[size]" in refused.stderr
    assert shared.ssh("nginx:set", "uploads", "client-max-body-size").returncode == 0
    assert shared.ask("nginx:report", "uploads")[0]["values"]["nginx-client-max-body-size"] == ""


def _post(on: Installation, app: str, size: int) -> int:
    """The status of an upload of so many bytes."""
    with contextlib.closing(HTTPConnection("127.0.0.1", on.http_port, timeout=30)) as connection:
        connection.request("POST", "/", "x" * size, {"Host": on.host(app)})
        return connection.getresponse().status


def test_a_hidden_app_is_reached_by_nobody_until_it_is_shown_again(shared: Installation) -> None:
    deployed(shared, "hidden")
    assert shared.ssh("domains:disable", "hidden").returncode == 0
    assert shared.get("hidden")[0] == 404
    assert shared.ssh("ps:restart", "hidden").returncode == 0
    assert shared.get("hidden")[0] == 404
    assert shared.ssh("domains:enable", "hidden").returncode == 0
    assert shared.get("hidden") == (200, "one")


def test_a_command_with_variables_of_its_own_is_watched_listed_and_stopped(shared: Installation) -> None:
    deployed(shared, "oneoffs")
    said = shared.ssh("run", "-e", "GREETING=moin", "--no-tty", "oneoffs", "printenv", "GREETING")
    assert (said.returncode, said.stdout) == (0, "moin\n")
    name = shared.ssh("run:detached", "oneoffs", "sleep", "600").stdout.strip()
    wait_until(lambda: shared.ask("run:list", "oneoffs"))
    (listed,) = shared.ask("run:list", "oneoffs")
    assert (listed["name"], listed["state"], listed["command"]) == (name, "running", "sleep 600")
    assert shared.ssh("run:stop", "oneoffs", "--container", name).returncode == 0
    wait_until(lambda: not shared.ask("run:list", "oneoffs"))


def test_all_apps_of_a_person_are_restarted_and_nobody_elses(shared: Installation) -> None:
    shared.add_user("dokku-dora")
    for app in ("hers", "not-hers"):
        deployed(shared, app)
    assert shared.ssh("access:add", "hers", "dokku-dora", "operate").returncode == 0
    said = shared.ssh("ps:restart", "--all", "--parallel", "2", user="dokku-dora")
    assert said.returncode == 0, said.stderr
    assert "Restarting hers" in said.stdout and "not-hers" not in said.stdout
    assert shared.get("hers") == (200, "one")
