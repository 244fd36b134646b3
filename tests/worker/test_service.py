from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from paas.adapters.logfiles import LogFiles
from paas.adapters.system import SystemClock
from paas.adapters.workerline import SocketWorkerLine
from paas.context import WorkerPlatform
from paas.errors import UnavailableError
from paas.model import App, Database, Job
from paas.ports import ContainerSpec, ImageFacts, NetworkSpec
from paas.rules import names
from paas.worker.service import Worker
from tests.fakes.clock import START
from tests.fakes.platform import worker_platform
from tests.fakes.runtime import FakeRuntime
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def on(sqlite_database: Database, tmp_path: Path) -> WorkerPlatform:
    (tmp_path / "logs").mkdir()
    line = SocketWorkerLine(tmp_path / "run/worker.sock")
    return worker_platform(
        sqlite_database, tmp_path, clock=SystemClock(), logs=LogFiles(tmp_path / "logs"), worker=line
    )


@pytest.fixture
def worker(on: WorkerPlatform) -> Iterator[Worker]:
    made = Worker(on, {"doctor": lambda words: {"checks": []}})
    made.start()
    yield made
    made.stop()


def queue(on: WorkerPlatform, kind: str, app_id: str | None = None) -> int:
    job = Job(
        kind=kind, app_id=app_id, app_name="blog", payload={"kind": kind}, created_at=on.clock.now(),
        created_by="ana", via="ssh",
    )  # fmt: skip
    with on.database.write() as session:
        session.add(job)
        session.flush()
        return job.id


def test_a_job_is_run_as_soon_as_a_door_rings(on: WorkerPlatform, worker: Worker) -> None:
    job_id = queue(on, "route")
    on.worker.ring()

    def has_ended() -> bool:
        with on.database.read() as session:
            return session.get_one(Job, job_id).state == "succeeded"

    wait_until(has_ended)


def test_a_door_may_ask_for_the_state_and_for_what_app_py_adds(on: WorkerPlatform, worker: Worker) -> None:
    state = on.worker.ask("state")
    assert (state["pid"], state["running"]) == (os.getpid(), [])
    assert on.worker.ask("doctor") == {"checks": []}


def test_a_door_may_look_at_an_apps_containers(on: WorkerPlatform, worker: Worker) -> None:
    runtime = on.runtime
    assert isinstance(runtime, FakeRuntime)
    runtime.add_image(ImageFacts("sha256:1", (), 1, START, (), (), (), "", {}))
    runtime.create_network(NetworkSpec("paas-app00001", "app00001", IPv4Network("10.208.0.0/25")))
    with on.database.write() as session:
        session.add(App(id="app00001", name="blog", created_at=on.clock.now()))
    name = names.task_container_name("app00001", "run", 10**9)
    runtime.create(ContainerSpec(name, "sha256:1", "app00001", "blog", "run", 1, 1, 0))
    answer = on.worker.ask("inspect", app_id="app00001")
    containers = answer["containers"]
    assert isinstance(containers, list)
    assert [container["name"] for container in containers] == [name]
    assert on.worker.ask("inspect", app_id="app00002") == {"containers": []}


def test_stopping_takes_seconds_at_most_and_leaves_no_socket(on: WorkerPlatform) -> None:
    worker = Worker(on, {})
    worker.start()
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < 30
    assert not (on.settings.folder("run") / "worker.sock").exists()


def state(on: WorkerPlatform) -> dict[str, object] | None:
    try:
        return on.worker.ask("state")
    except UnavailableError:
        return None


SERVE = """
import sys
from pathlib import Path
from paas.adapters.system import SystemClock
from paas.model import Database
from paas.worker import serve
from tests.fakes.platform import worker_platform

serve(worker_platform(Database(sys.argv[2]), Path(sys.argv[1]), clock=SystemClock()))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_until_it_is_told_to_end(on: WorkerPlatform, tmp_path: Path, number: int) -> None:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path), on.database.url],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        assert wait_until(lambda: state(on))["pid"] == process.pid
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
