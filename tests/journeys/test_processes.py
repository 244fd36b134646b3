"""Copies of processes: how many, stopped, crashing; and commands beside them."""

from __future__ import annotations

import docker

from paas.ports import Container
from paas.rules.names import TYPE_RUN, network_name
from tests.journeys.installation import Installation
from tests.journeys.leftovers import assert_nothing_is_left
from tests.journeys.prober import Prober
from tests.journeys.repository import small_app
from tests.journeys.test_release_and_config import deployed, start_ssh
from tests.waiting import wait_until

PROCFILE = "web: python3 -u server.py\nworker: python3 -u worker.py\n"
CRASHING = "import os, time\nprint('about to give up', flush=True)\ntime.sleep(1.5)\nos._exit(3)\n"


def states(on: Installation, app: str) -> dict[str, str]:
    return {each["name"]: each["state"] for each in on.ask("ps", app)}


def is_running_task(container: Container) -> bool:
    return container.process_type == TYPE_RUN and container.state == "running"


def test_three_copies_share_the_requests_and_no_copy_shows_a_page(shared: Installation) -> None:
    deployed(shared, "scaled")
    with Prober(shared.http_port, shared.host("scaled")) as prober:
        assert shared.ssh("ps:scale", "scaled", "web=3").returncode == 0
        hosts = {shared.get("scaled", "/env/HOSTNAME")[1] for _ in range(30)}
        assert shared.ssh("ps:scale", "scaled", "web=2").returncode == 0
        assert_nothing_is_left(shared)
    assert len(hosts) == 3
    assert prober.failures == []
    assert states(shared, "scaled") == {"web.1": "Running", "web.2": "Running"}
    assert shared.app("scaled").last_version == 1  # scaling takes no number
    assert shared.ssh("ps:scale", "scaled", "web=0").returncode == 0
    status, page = shared.get("scaled")
    assert status == 503 and "ps:scale scaled web=1" in page
    assert states(shared, "scaled") == {}
    assert shared.ssh("ps:scale", "scaled", "web=1").returncode == 0
    assert shared.get("scaled") == (200, "one")


def test_a_stopped_app_shows_a_page_of_its_own_until_it_is_started(shared: Installation) -> None:
    deployed(shared, "halted")
    assert shared.ssh("ps:stop", "halted").returncode == 0
    status, page = shared.get("halted")
    assert status == 503 and "halted is stopped" in page and "ps:start halted" in page
    assert_nothing_is_left(shared)
    assert shared.ssh("ps:start", "halted").returncode == 0
    assert shared.get("halted") == (200, "one")


def test_a_worker_that_does_not_stay_up_fails_the_scale_and_the_push(shared: Installation) -> None:
    dying = "import sys\nsys.exit('no queue to work on')\n"
    repository = deployed(shared, "lazy", Procfile=PROCFILE, **{"worker.py": "import time\ntime.sleep(1000)\n"})
    assert shared.ssh("ps:scale", "lazy", "worker=1").returncode == 0
    assert states(shared, "lazy") == {"web.1": "Running", "worker.1": "Running"}
    repository.commit(small_app("two", Procfile=PROCFILE, **{"worker.py": dying}))
    with Prober(shared.http_port, shared.host("lazy")) as prober:
        pushed = repository.push()
    assert pushed.returncode == 1 and "worker.1" in pushed.stderr and "no queue to work on" in pushed.stderr
    assert prober.failures == [] and set(prober.answers) == {"one"}
    assert_nothing_is_left(shared)
    assert states(shared, "lazy") == {"web.1": "Running", "worker.1": "Running"}


def test_a_process_that_keeps_crashing_is_shown_with_its_last_lines_and_comes_back(shared: Installation) -> None:
    repository = deployed(shared, "crashing", Procfile=PROCFILE, **{"worker.py": CRASHING})
    assert shared.ssh("ps:scale", "crashing", "worker=1").returncode == 0
    worker = wait_until(
        lambda: next((each for each in shared.ask("ps", "crashing") if each["state"] == "Crashed"), None),
        what="a crash",
    )
    assert worker["name"] == "worker.1" and worker["exit_code"] == 3
    assert "about to give up" in worker["last_lines"]
    wait_until(
        lambda: "Crashed" in (shown := shared.ssh("ps", "crashing").stdout) and "about to give up" in shown,
        what="a table that shows the crash",  # it runs again in between
    )
    assert shared.get("crashing") == (200, "one")  # its neighbours go on
    restarts = worker["restarts"]
    wait_until(lambda: shared.ask("ps", "crashing")[1]["restarts"] > restarts, what="another attempt")
    repository.commit(small_app("two", Procfile=PROCFILE, **{"worker.py": "import time\ntime.sleep(1000)\n"}))
    assert repository.push().returncode == 0
    assert states(shared, "crashing") == {"web.1": "Running", "worker.1": "Running"}


def test_a_web_process_that_dies_once_is_back_at_its_address(shared: Installation) -> None:
    deployed(shared, "mortal")
    container = shared.ask("ps", "mortal")[0]["container"]
    shared.runtime.kill(container)
    wait_until(lambda: shared.get("mortal") == (200, "one"), what="the app")
    assert shared.ask("ps", "mortal")[0]["container"] == container


def test_what_was_done_to_copies_and_their_network_by_hand_is_undone(shared: Installation) -> None:
    deployed(shared, "handled")
    engine = docker.DockerClient(shared.docker_host)
    container = shared.ask("ps", "handled")[0]["container"]
    engine.containers.get(container).pause()
    wait_until(lambda: shared.get("handled", timeout=1) == (200, "one"), what="the paused app")
    network = engine.networks.get(network_name(shared.app("handled").id))
    network.disconnect(container, force=True)
    network.remove()
    wait_until(lambda: shared.get("handled", timeout=1) == (200, "one"), what="the app without a network")
    assert shared.ask("ps", "handled")[0]["container"] != container
    assert_nothing_is_left(shared)


def test_run_passes_stdin_output_and_exit_code_and_has_a_terminal_when_asked(shared: Installation) -> None:
    deployed(shared, "oneoff")
    counted = shared.ssh("run", "oneoff", "wc", "-c", stdin="x" * 300_000)
    assert (counted.returncode, counted.stdout.strip()) == (0, "300000")
    failed = shared.ssh("run", "oneoff", "sh", "-c", "'echo out; echo err >&2; exit 42'")
    assert (failed.returncode, failed.stdout, failed.stderr) == (42, "out\n", "err\n")
    assert shared.ssh("run", "oneoff", "test", "-t", "0", tty=True).returncode == 0
    assert shared.ssh("run", "oneoff", "test", "-t", "0").returncode == 1
    assert shared.ssh("run", "oneoff", "printenv", "PORT").returncode == 1  # only web has a port
    entered = shared.ssh("enter", "oneoff", "web.1", "sh", "-c", "'cat /proc/*/cmdline; exit 3'")
    assert entered.returncode == 3 and "server.py" in entered.stdout
    assert_nothing_is_left(shared)


def test_a_detached_command_goes_on_alone_and_its_output_is_kept(shared: Installation) -> None:
    deployed(shared, "detached")
    waiting = "'until [ -e /tmp/go ]; do sleep 0.1; done; echo done-alone'"
    started = shared.ssh("run:detached", "detached", "sh", "-c", waiting)
    assert started.returncode == 0, started.stderr
    app_id = shared.app("detached").id
    task = wait_until(lambda: next((it for it in shared.runtime.containers(app_id) if is_running_task(it)), None))
    assert shared.runtime.execute(task.name, ("touch", "/tmp/go"), tty=False).exit_code() == 0
    assert "done-alone" in shared.ssh("builds:output", "detached", "current").stdout
    assert_nothing_is_left(shared)


def test_followed_logs_go_on_over_a_deploy(shared: Installation) -> None:
    repository = deployed(shared, "talking")
    follower = start_ssh(shared, "logs", "talking", "-t", "-n", "5", "-p", "web")
    try:
        repository.commit(small_app("two"))
        assert repository.push().returncode == 0
        seen: list[str] = []
        assert follower.stdout is not None
        for line in follower.stdout:
            seen.append(line)
            if "serving two" in line:
                break
    finally:
        follower.kill()
        follower.wait()
    assert any("app[web.1]: serving one" in line for line in seen)
    assert "serving two" in shared.ssh("logs", "talking", "-n", "1").stdout
