"""SIGKILL to every other process in mid-deploy: what serves goes on serving, and the deploy ends in old or new."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest

from paas.errors import ConflictError
from tests.journeys.installation import Installation
from tests.journeys.leftovers import assert_nothing_is_left
from tests.journeys.prober import Prober
from tests.journeys.repository import Repository, small_app
from tests.journeys.second_engine import SecondEngine, second_engine
from tests.waiting import wait_until

SLOW_START = """\
import os, time
until = time.monotonic() + 6
while not os.path.exists('/tmp/go') and time.monotonic() < until:
    time.sleep(0.02)
"""


def slow_app(version: str) -> dict[str, str]:
    """The second version listens when it is let go, or after six seconds: time enough to kill something."""
    files = small_app(version)
    if version == "two":
        files["server.py"] = SLOW_START + files["server.py"]
    return files


def let_go(on: Installation, app: str) -> None:
    """A copy that ends just then, because its deploy is taken back, needs it no more."""
    for container in on.runtime.containers(on.app(app).id):
        with contextlib.suppress(ConflictError):
            on.runtime.execute(container.name, ("touch", "/tmp/go"), tty=False).exit_code()


def deployed(on: Installation, app: str) -> Repository:
    repository = on.repository(app)
    repository.commit(slow_app("one"))
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    return repository


def wait_for_step(on: Installation, app: str, step: str) -> None:
    def is_there() -> bool:
        job = [it for it in on.jobs() if it.app_name == app][-1]
        return job.ended_at is None and job.step == step

    wait_until(is_there, what=f"step {step}")


def wait_for_end(on: Installation, app: str) -> str:
    """How the app's newest deploy ended."""
    ended = wait_until(
        lambda: (job := [it for it in on.jobs() if it.app_name == app][-1]).ended_at and job, what="the end"
    )
    return str(ended.state)


def assert_old_or_new(on: Installation, app: str, repository: Repository, old: str) -> None:
    """Page and branch agree, nothing is half done, and the next push works."""
    state = wait_for_end(on, app)
    served = "two" if state == "succeeded" else "one"
    wait_until(lambda: on.get(app) == (200, served), what=f"release {served}")
    commit = repository.head if state == "succeeded" else old
    wait_until(
        lambda: repository.git("ls-remote", "paas", "main", check=False).stdout.startswith(commit), what="the branch"
    )
    assert_nothing_is_left(on)
    repository.commit(slow_app("three"))
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    assert on.get(app) == (200, "three")


@pytest.mark.parametrize("process", ["ssh", "web", "nginx", "worker"])
def test_a_process_killed_in_mid_deploy_is_started_again(shared: Installation, process: str) -> None:
    app = f"kill-{process}"
    repository = deployed(shared, app)
    old = repository.head
    repository.commit(slow_app("two"))
    before = shared.pids()
    with Prober(shared.http_port, shared.host(app)) as prober:
        push = repository.start("push", "paas", "main")
        wait_for_step(shared, app, "health")
        shared.kill(process)
        wait_until(lambda: shared.pids().get(process, before[process]) != before[process], what=f"another {process}")
        let_go(shared, app)
        said = push.communicate(timeout=60)[0]
        wait_for_end(shared, app)
    assert prober.failures == [] or process == "nginx"
    assert set(prober.answers) <= {"one", "two"}
    assert (push.returncode == 0) is (process != "ssh"), said
    assert shared.pids().keys() == before.keys()
    assert_old_or_new(shared, app, repository, old)
    assert dashboard(shared) == 200


def dashboard(on: Installation) -> int:
    connection = HTTPConnection("127.0.0.1", on.http_port, timeout=60)
    try:
        connection.request("GET", "/api/v1/openapi.json", headers={"Host": "paas.localhost"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_killed_supervisor_takes_its_children_along_but_neither_nginx_nor_apps(shared: Installation) -> None:
    repository = deployed(shared, "kill-all")
    old = repository.head
    repository.commit(slow_app("two"))
    before = shared.pids()
    with Prober(shared.http_port, shared.host("kill-all")) as prober:
        push = repository.start("push", "paas", "main")
        wait_for_step(shared, "kill-all", "health")
        shared.kill("supervisor")
        let_go(shared, "kill-all")
        push.communicate(timeout=60)
        wait_until(lambda: shared.pids() == {"nginx": before["nginx"]}, what="the children's end")
        children = [before[name] for name in ("web", "ssh", "worker")]
        wait_until(lambda: not any(is_alive(pid) for pid in children), what="the children's end")
        assert shared.get("kill-all")[0] == 200
        shared.up()
        state = wait_for_end(shared, "kill-all")
    assert push.returncode != 0 or state == "succeeded"  # the worker may bring to its end what is about to
    assert prober.failures == []
    assert shared.pids()["nginx"] == before["nginx"]
    assert_old_or_new(shared, "kill-all", repository, old)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondEngine]:
    with second_engine(tmp_path_factory.mktemp("e")) as running:
        yield running


def test_a_killed_docker_engine_stops_no_app_and_leaves_no_half_deploy(
    engine: SecondEngine, own: Callable[..., Installation]
) -> None:
    on = own(docker_host=engine.host)
    repository = deployed(on, "engine")
    old = repository.head
    repository.commit(slow_app("two"))
    with Prober(on.http_port, on.host("engine")) as prober:
        push = repository.start("push", "paas", "main")
        wait_for_step(on, "engine", "health")
        engine.kill()
        said = push.communicate(timeout=60)[0]
        assert on.get("engine")[0] == 200
        refused = on.ssh("ps:restart", "engine")
        assert refused.returncode == 1 and "Docker" in refused.stderr, refused.stderr
        engine.start()
        wait_for_end(on, "engine")
    assert prober.failures == []
    assert push.returncode == 0 or "[" in said, said
    assert_old_or_new(on, "engine", repository, old)
