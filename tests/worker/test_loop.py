from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from paas.adapters.logfiles import LogFiles
from paas.adapters.system import SystemClock
from paas.context import WorkerPlatform
from paas.errors import BuildError, SupersededError
from paas.flows.work import Flow, Work
from paas.model import Database, Job, JobStep, select
from paas.model.job import give_back
from paas.ports import Say
from paas.rules.names import CHILD_MARK
from paas.worker import host
from paas.worker.locks import AppLocks
from paas.worker.loop import JobLoop
from paas.worker.threads import start_thread
from tests.fakes.platform import worker_platform
from tests.waiting import PATIENCE, wait_until

DEAD_WORKER = "999999999:1"
OURS = {**os.environ, CHILD_MARK: "1"}


@pytest.fixture
def on(database: Database, tmp_path: Path) -> WorkerPlatform:
    (tmp_path / "logs").mkdir()
    platform = worker_platform(database, tmp_path, clock=SystemClock(), logs=LogFiles(tmp_path / "logs"))
    return replace(platform, settings=platform.settings.model_copy(update={"builds_at_once": 1}))


def queue(on: WorkerPlatform, kind: str = "stop", app_id: str | None = "app00001", **values: object) -> int:
    payloads = {"deploy": {"source_id": 1}, "scale": {"counts": {}}}
    job = Job(
        kind=kind, app_id=app_id, app_name=app_id, payload={"kind": kind, **payloads.get(kind, {})},
        is_heavy=kind == "deploy", created_at=on.clock.now(), created_by="ana", via="ssh", **values,
    )  # fmt: skip
    with on.database.write() as session:
        session.add(job)
        session.flush()
        return job.id


def look(on: WorkerPlatform, job_id: int) -> Job:
    with on.database.read() as session:
        return session.get_one(Job, job_id)


@contextlib.contextmanager
def running(on: WorkerPlatform, flows: Mapping[str, Flow]) -> Iterator[JobLoop]:
    loop = JobLoop(on, flows, AppLocks())
    thread = start_thread(loop.run, "loop")
    yield loop
    loop.stop(PATIENCE)
    thread.join(PATIENCE)


def wait_until_ended(on: WorkerPlatform, *job_ids: int) -> list[Job]:
    wait_until(lambda: all(look(on, job_id).ended_at for job_id in job_ids))
    return [look(on, job_id) for job_id in job_ids]


def quiet(on: WorkerPlatform, work: Work, say: Say) -> None:
    say("hello")


class Gate:
    """A flow that waits until it is opened, and remembers who came by."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.opened = threading.Event()

    def __call__(self, on: WorkerPlatform, work: Work, say: Say) -> None:
        self.came.append(work.job.id)
        while not self.opened.wait(0.002):
            work.check()


def test_a_queued_job_runs_and_its_end_is_written_down(on: WorkerPlatform) -> None:
    def flow(on: WorkerPlatform, work: Work, say: Say) -> None:
        with work.step("start"):
            say("starting")
        work.keep(version=7)

    job_id = queue(on)
    with running(on, {"stop": flow}):
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.attempt, job.result, job.step) == ("succeeded", 1, {"version": 7}, "start")
    assert on.logs.tail(job.log, 9) == ["starting"]
    with on.database.read() as session:
        (step,) = session.scalars(select(JobStep)).all()
    assert (step.name, step.state, step.log_offset) == ("start", "done", 0)


def test_a_ring_starts_a_job_at_once(on: WorkerPlatform) -> None:
    begun: list[float] = []

    def flow(on: WorkerPlatform, work: Work, say: Say) -> None:
        begun.append(time.monotonic())

    with running(on, {"stop": flow}) as loop:
        waits = []
        for number in range(5):
            time.sleep(0.02)
            queue(on, app_id=f"app{number:05d}")
            rung = time.monotonic()
            loop.ring()
            wait_until(lambda count=number + 1: len(begun) == count)
            waits.append(begun[-1] - rung)
    assert sorted(waits)[2] < 2  # the median: some 5 ms on an idle machine; without a ring it is looked every 5 s


def test_followers_of_the_log_learn_of_the_end_at_once(on: WorkerPlatform) -> None:
    job_id = queue(on)
    with running(on, {"stop": quiet}):
        begun = time.monotonic()
        seen = list(on.logs.follow(f"jobs/{job_id}.log", 0, lambda: look(on, job_id).ended_at is not None, timeout=60))
        assert time.monotonic() - begun < 30  # not at the time-out
    assert b"".join(chunk for _, chunk in seen) == b"hello\n"


def test_an_app_runs_one_job_at_a_time_in_order(on: WorkerPlatform) -> None:
    gate = Gate()
    first, second, other = queue(on), queue(on), queue(on, app_id="app00002")
    with running(on, {"stop": gate}):
        wait_until(lambda: len(gate.came) == 2)
        assert set(gate.came) == {first, other}
        assert look(on, second).state == "queued"
        gate.opened.set()
        wait_until_ended(on, first, second, other)
    assert gate.came[-1] == second


def test_light_jobs_are_not_held_up_by_builds(on: WorkerPlatform) -> None:
    gate = Gate()
    builds = [queue(on, "deploy", f"app0000{number}") for number in range(3)]
    light = queue(on, "stop", "app00009")
    with running(on, {"deploy": gate, "stop": quiet}):
        wait_until_ended(on, light)
        assert gate.came == builds[:1]  # settings.builds_at_once is 1 here
        gate.opened.set()
        wait_until_ended(on, *builds)
    assert gate.came == builds


def test_a_higher_priority_goes_first(on: WorkerPlatform) -> None:
    gate = Gate()
    gate.opened.set()
    later, sooner = queue(on, "deploy", "app00001"), queue(on, "deploy", "app00002", priority=5)
    with running(on, {"deploy": gate}):
        wait_until_ended(on, later, sooner)
    assert gate.came == [sooner, later]


def test_a_refusal_is_stored_with_code_hint_and_tail(on: WorkerPlatform) -> None:
    def flow(on: WorkerPlatform, work: Work, say: Say) -> None:
        raise BuildError("No such package", "check requirements.txt", code="no-package", tail=("pip says no",))

    job_id = queue(on)
    with running(on, {"stop": flow}):
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.result_code, job.result_message, job.result_hint) == (
        "failed", "no-package", "No such package", "check requirements.txt",
    )  # fmt: skip
    assert job.result == {"tail": ["pip says no"]}


def test_a_bug_is_shown_as_a_reference_only(on: WorkerPlatform) -> None:
    def flow(on: WorkerPlatform, work: Work, say: Say) -> None:
        raise RuntimeError("the password is hunter2")

    job_id = queue(on)
    with running(on, {"stop": flow}):
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.result_code) == ("failed", "internal")
    assert "reference" in (job.result_message or "")
    assert "hunter2" not in (job.result_message or "")


def test_a_superseded_job_says_so(on: WorkerPlatform) -> None:
    def flow(on: WorkerPlatform, work: Work, say: Say) -> None:
        raise SupersededError("A newer push took its place")

    job_id = queue(on)
    with running(on, {"stop": flow}):
        (job,) = wait_until_ended(on, job_id)
    assert job.state == "superseded"


@pytest.mark.parametrize(("kind", "payload"), [("stop", {"kind": "stop", "mount": "/"}), ("shell", {"kind": "shell"})])
def test_a_forged_row_is_refused(on: WorkerPlatform, kind: str, payload: dict[str, str]) -> None:
    job_id = queue(on, "stop")
    with on.database.write() as session:
        job = session.get_one(Job, job_id)
        job.kind, job.payload = kind, payload
    with running(on, {"stop": quiet}):
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.result_code) == ("failed", "bad-job")


def cancel(on: WorkerPlatform, job_id: int) -> None:
    with on.database.write() as session:
        session.get_one(Job, job_id).cancel_by = "ben"


def test_a_wish_to_cancel_ends_a_waiting_flow(on: WorkerPlatform) -> None:
    gate = Gate()
    job_id = queue(on)
    with running(on, {"stop": gate}) as loop:
        wait_until(lambda: gate.came)
        cancel(on, job_id)
        loop.ring()
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.result_code, job.result_message) == ("cancelled", "cancelled", "Cancelled by ben")


def test_a_wish_to_cancel_kills_the_recorded_child_and_its_group(on: WorkerPlatform) -> None:
    pids: list[int] = []

    def flow(on: WorkerPlatform, work: Work, say: Say) -> None:
        child = subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True, env=OURS)
        work.started(child.pid)
        pids.append(child.pid)
        child.wait()
        raise BuildError("the build ended")

    job_id = queue(on)
    with running(on, {"stop": flow}) as loop:
        wait_until(lambda: pids)
        assert look(on, job_id).child_pid == pids[0]
        cancel(on, job_id)
        loop.ring()
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.child_pid) == ("cancelled", None)
    assert host.start_ticks(pids[0]) is None


def test_past_the_point_of_no_return_a_wish_comes_too_late(on: WorkerPlatform) -> None:
    shielded, wished = threading.Event(), threading.Event()

    def flow(on: WorkerPlatform, work: Work, say: Say) -> None:
        work.shield()
        shielded.set()
        wished.wait(PATIENCE)
        with work.step("current"):
            work.check()

    job_id = queue(on)
    with running(on, {"stop": flow}) as loop:
        assert shielded.wait(PATIENCE)
        cancel(on, job_id)
        loop.look_after()
        wished.set()
        (job,) = wait_until_ended(on, job_id)
    assert job.state == "succeeded"
    assert job.result == {}


def abandon(on: WorkerPlatform, job_id: int, **values: object) -> None:
    """As if a worker had been killed while it ran this job."""
    with on.database.write() as session:
        job = session.get_one(Job, job_id)
        job.state, job.worker, job.fence, job.attempt = "running", DEAD_WORKER, 1, 1
        job.lease_until = on.clock.now() + timedelta(hours=1)
        for name, value in values.items():
            setattr(job, name, value)


def test_a_dead_workers_job_is_taken_over_at_once_and_its_child_killed(on: WorkerPlatform) -> None:
    child = subprocess.Popen(["sleep", "60"], start_new_session=True, env=OURS)
    job_id, behind = queue(on), queue(on)
    abandon(on, job_id, child_pid=child.pid, child_started=host.start_ticks(child.pid))
    with on.database.write() as session:
        session.add(JobStep(job_id=job_id, name="build", started_at=on.clock.now(), state="running"))
    with running(on, {"stop": quiet}):
        job, later = wait_until_ended(on, job_id, behind)
    assert child.wait(PATIENCE) == -9
    assert (job.state, job.attempt) == ("succeeded", 2)
    assert job.ended_at and later.claimed_at and job.ended_at <= later.claimed_at
    with on.database.read() as session:
        assert session.scalars(select(JobStep)).all() == []


def test_a_pid_that_is_somebody_else_by_now_is_left_alone(on: WorkerPlatform) -> None:
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    job_id = queue(on)
    abandon(on, job_id, child_pid=child.pid, child_started=1)
    with running(on, {"stop": quiet}):
        wait_until_ended(on, job_id)
    assert child.poll() is None
    child.kill()
    child.wait()


def test_a_successor_knows_that_the_point_of_no_return_was_passed(on: WorkerPlatform) -> None:
    job_id = queue(on)
    abandon(on, job_id, cancel_by="ben", result={"shielded": True})
    with running(on, {"stop": quiet}):
        (job,) = wait_until_ended(on, job_id)
    assert job.state == "succeeded"


def test_a_living_workers_job_is_left_to_it(on: WorkerPlatform) -> None:
    other = subprocess.Popen(["sleep", "60"])
    job_id = queue(on)
    abandon(on, job_id, worker=f"{other.pid}:{host.start_ticks(other.pid)}")
    assert JobLoop(on, {}, AppLocks()).recover() == []
    other.kill()
    other.wait()
    assert JobLoop(on, {}, AppLocks()).recover() == [job_id]


def test_a_silent_workers_job_is_taken_over_when_its_lease_is_over(on: WorkerPlatform) -> None:
    job_id = queue(on)
    abandon(on, job_id, worker=host.identity(), lease_until=on.clock.now() - timedelta(seconds=1))
    assert JobLoop(on, {}, AppLocks()).recover() == [job_id]


def test_who_lost_the_fence_writes_nothing(on: WorkerPlatform) -> None:
    gate = Gate()
    job_id = queue(on)
    with running(on, {"stop": gate}) as loop:
        wait_until(lambda: gate.came)
        with on.database.write() as session:
            assert give_back(session, job_id, look(on, job_id).fence)
            session.get_one(Job, job_id).state = "failed"  # what another worker made of it
        loop.look_after()
        wait_until(lambda: not loop.running())
    assert (look(on, job_id).state, look(on, job_id).ended_at) == ("failed", None)


def test_a_job_that_kills_worker_after_worker_is_ended(on: WorkerPlatform) -> None:
    job_id = queue(on)
    abandon(on, job_id, attempt=10)
    with running(on, {"stop": quiet}):
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.result_code) == ("failed", "worker-died")


def test_stopping_leaves_running_jobs_to_the_next_worker(on: WorkerPlatform) -> None:
    gate = Gate()
    first, second = queue(on), queue(on)
    with running(on, {"stop": gate}) as loop:
        wait_until(lambda: gate.came)
        assert not loop.stop(0.05)
        gate.opened.set()
        assert loop.stop(PATIENCE)
    assert (look(on, first).state, look(on, second).state) == ("succeeded", "queued")


KILLED = """
import os, signal, sys
from pathlib import Path
from paas.adapters.logfiles import LogFiles
from paas.adapters.system import SystemClock
from paas.model import Database
from paas.worker.locks import AppLocks
from paas.worker.loop import JobLoop
from tests.fakes.platform import worker_platform

def flow(on, work, say):
    say("half way")
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
on = worker_platform(Database(sys.argv[2]), folder, clock=SystemClock(), logs=LogFiles(folder / "logs"))
JobLoop(on, {"stop": flow}, AppLocks()).run()
"""


def test_a_worker_killed_in_the_middle_is_replaced(on: WorkerPlatform, tmp_path: Path) -> None:
    job_id = queue(on)
    root = Path(__file__).parents[2]
    words = [sys.executable, "-c", KILLED, str(tmp_path), on.database.url]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run(words, cwd=root, env=environment, timeout=PATIENCE, check=False).returncode == -9
    assert look(on, job_id).state == "running"
    with running(on, {"stop": quiet}):
        (job,) = wait_until_ended(on, job_id)
    assert (job.state, job.attempt) == ("succeeded", 2)
    assert [line for line in on.logs.tail(job.log, 9) if "attempt" not in line] == ["half way", "hello"]


@pytest.mark.parametrize(
    "column, value", [("payload", "{no json"), ("payload", "[" * 100_000), ("created_at", "never")]
)
def test_a_row_that_cannot_be_read_is_refused_and_stops_no_other(
    sqlite_database: Database, tmp_path: Path, column: str, value: str
) -> None:
    (tmp_path / "logs").mkdir()
    on = worker_platform(sqlite_database, tmp_path, clock=SystemClock(), logs=LogFiles(tmp_path / "logs"))
    broken = queue(on)
    with on.database.write() as session:
        session.execute(text(f"UPDATE job SET {column} = :value WHERE id = :id"), {"value": value, "id": broken})
    behind, elsewhere = queue(on), queue(on, app_id="app00002")
    with running(on, {"stop": quiet}):
        ended = wait_until_ended(on, behind, elsewhere)
    assert [job.state for job in ended] == ["succeeded", "succeeded"]
    assert (look(on, broken).state, look(on, broken).result_code) == ("failed", "bad-job")


def test_a_job_whose_log_cannot_be_opened_fails_and_stops_no_other(sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    on = worker_platform(sqlite_database, tmp_path, clock=SystemClock(), logs=LogFiles(tmp_path / "logs"))
    broken = queue(on)
    (tmp_path / "logs/jobs" / f"{broken}.log").mkdir(parents=True)
    behind = queue(on)
    with running(on, {"stop": quiet}):
        ended = wait_until_ended(on, broken, behind)
    assert [(job.state, job.result_code) for job in ended] == [("failed", "internal"), ("succeeded", None)]
