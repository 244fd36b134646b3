"""The stage on which stories of flows are played: a platform of fakes, an app, and a worker that can be killed.

A kill is honest: the flow's thread stops for ever at the fail-point, so no undo, no `finally` and no `except` runs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from paas.context import WorkerPlatform
from paas.errors import PaasError
from paas.flows.dispatch import FLOWS
from paas.flows.retire import retire
from paas.flows.variables import read_config
from paas.model import (
    Address,
    App,
    BranchTag,
    ConfigChange,
    ConfigVariable,
    Database,
    Event,
    Job,
    JobStep,
    Process,
    Release,
    Source,
    select,
    update,
)  # fmt: skip
from paas.model.job import CANCELLED, FAILED, QUEUED, SUCCEEDED, claim, finish, give_back
from paas.model.process import processes_of
from paas.model.release import releases_of
from paas.rules.jobs import ApplyConfig, Deploy, Order, Push, read_order
from paas.worker.running import RunningJob
from tests.fakes.builder import FakeBuilder
from tests.fakes.clock import FakeClock
from tests.fakes.logs import FakeLogs
from tests.fakes.platform import worker_platform
from tests.fakes.prober import FakeProber
from tests.fakes.proxy import FakeProxy
from tests.fakes.runtime import FakeRuntime
from tests.fakes.sources import FakeSources
from tests.fakes.vault import FakeVault

APP = "abcd1234"
PROCFILE = {"Dockerfile": b"FROM scratch\n", "Procfile": b"web: serve\nworker: work\n"}


class StoppingFaults:
    """Whoever reaches the armed point stays there for ever, as a process that was killed."""

    def __init__(self) -> None:
        self.armed = ""
        self.reached: list[str] = []
        self.killed = threading.Event()

    def reach(self, point: str) -> None:
        self.reached.append(point)
        if point == self.armed:
            self.armed = ""
            self.killed.set()
            threading.Event().wait()


class Stage:
    def __init__(self, database: Database, home: Path, **settings: Any) -> None:
        self.faults = StoppingFaults()
        plain = worker_platform(database, home)
        self.on: WorkerPlatform = replace(
            plain, faults=self.faults, settings=plain.settings.model_copy(update=settings)
        )
        self.clock = _is(self.on.clock, FakeClock)
        self.runtime = _is(self.on.runtime, FakeRuntime)
        self.builder = _is(self.on.builder, FakeBuilder)
        self.proxy = _is(self.on.proxy, FakeProxy)
        self.prober = _is(self.on.prober, FakeProber)
        self.sources = _is(self.on.sources, FakeSources)
        self.logs = _is(self.on.logs, FakeLogs)
        self.vault = _is(self.on.vault, FakeVault)
        with database.write() as session:
            session.add(App(id=APP, name="blog", created_at=self.clock.now()))

    # --- orders -------------------------------------------------------------------------------------------------------
    def queue(self, order: Order, app_id: str | None = APP) -> int:
        payload = order.model_dump(mode="json")
        with self.on.database.write() as session:
            job = Job(
                kind=str(payload["kind"]), app_id=app_id, app_name="blog", payload=payload, state=QUEUED,
                created_at=self.clock.now(), created_by="ada", via="git",
            )  # fmt: skip
            session.add(job)
            session.flush()
            return job.id

    def queue_push(
        self, commit: str, files: Mapping[str, bytes] = PROCFILE, old: str | None = None, **push: Any
    ) -> int:
        """`commit`: one letter, the 40-digit name is made of it."""
        with self.on.database.write() as session:
            row = Source(
                app_id=APP, kind="git", inbox="ssh", file=f"{commit}.tar", sha256="", size=1, commit=commit * 40,
                branch="main", created_at=self.clock.now(),
            )  # fmt: skip
            session.add(row)
            session.flush()
            source_id = row.id
        self.sources.inbox[f"{commit}.tar"] = files
        told = Push(branch="main", old=old * 40 if old else self.app().branch_commit, new=commit * 40, **push)
        return self.queue(Deploy(source_id=source_id, push=told))

    def queue_config(self, unset: list[str] | None = None, **values: str) -> int:
        with self.on.database.write() as session:
            row = ConfigChange(
                app_id=APP, sealed=self.vault.seal(json.dumps(values)), unset=unset or [], created_at=self.clock.now(),
                created_by="ada",
            )  # fmt: skip
            session.add(row)
            session.flush()
            change_id = row.id
        return self.queue(ApplyConfig(change_id=change_id))

    # --- the worker ---------------------------------------------------------------------------------------------------
    def run(self, job_id: int, cancel_after: float = 0, lose_it: bool = False) -> Job:
        """Claim and run a job to its end; its row afterwards. `cancel_after` seconds of waiting somebody cancels it."""
        work = self._claim(job_id)
        if lose_it:  # to another worker, and this one does not know
            with self.on.database.write() as session:
                session.execute(update(Job).where(Job.id == job_id).values(fence=Job.fence + 1))
        if cancel_after:
            due = self.clock.monotonic() + cancel_after
            self.clock.when_slept = lambda _: work.wish_to_cancel("ada") if self.clock.monotonic() >= due else None
        state, result = SUCCEEDED, {}
        try:
            FLOWS[work.job.kind](self.on, work, self.logs.writer(work.job.log).write)
        except PaasError as error:
            state = FAILED
            result = {"result_code": error.code, "result_message": error.message, "result_hint": error.hint}
        with self.on.database.write() as session:
            finish(session, job_id, work.job.fence, state, self.clock.now(), result=work.result, **result)
        return self.job(job_id)

    def kill_at(self, job_id: int, point: str) -> None:
        """Run a job in a worker that is killed at a fail-point, and let the next worker find it queued again."""
        work = self._claim(job_id)
        self.faults.armed = point
        self.faults.killed.clear()
        ended = threading.Event()

        def run() -> None:
            try:
                FLOWS[work.job.kind](self.on, work, self.logs.writer(work.job.log).write)
            finally:
                ended.set()
                self.faults.killed.set()

        threading.Thread(target=run, daemon=True, name=f"killed at {point}").start()
        assert self.faults.killed.wait(60), f"{point} was not reached"
        assert not ended.is_set(), f"the flow ended without reaching {point}"
        with self.on.database.write() as session:
            assert give_back(session, job_id, work.job.fence)

    def reopen(self, job_id: int) -> None:
        """As if its worker had died before it could write how the job ended."""
        with self.on.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(state=QUEUED, ended_at=None))

    def cancel_queued(self, job_id: int) -> None:
        with self.on.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(state=CANCELLED, ended_at=self.clock.now()))

    def _claim(self, job_id: int) -> RunningJob:
        with self.on.database.write() as session:
            job = claim(session, job_id, "1:1", self.clock.now(), 30)
        assert job is not None
        return RunningJob(self.on, job, read_order(job.kind, job.payload))

    def push(self, commit: str, files: Mapping[str, bytes] = PROCFILE, **told: Any) -> Job:
        return self.run(self.queue_push(commit, files, **told))

    def settle(self) -> None:
        """Let old copies retire."""
        while retire(self.on):
            self.clock.advance(1)

    # --- what is ------------------------------------------------------------------------------------------------------
    def app(self) -> App:
        with self.on.database.read() as session:
            app = session.get(App, APP)
        assert app is not None
        return app

    def job(self, job_id: int) -> Job:
        with self.on.database.read() as session:
            job = session.get(Job, job_id)
        assert job is not None
        return job

    def log(self, job_id: int) -> str:
        return self.logs.text(f"jobs/{job_id}.log")

    def releases(self) -> list[Release]:
        """Oldest first."""
        with self.on.database.read() as session:
            return releases_of(session, APP)[::-1]

    def ledger(self) -> list[str]:
        """`v1 superseded`, oldest first."""
        return [f"v{release.version} {release.status}" for release in self.releases()]

    def rows(self, *states: str) -> list[Process]:
        with self.on.database.read() as session:
            return processes_of(session, APP, *states)

    def running(self) -> list[str]:
        """`web.1 v2`, sorted; whatever their state in the database."""
        return sorted(
            f"{it.process_type}.{it.copy} v{it.release}" for it in self.runtime.containers() if it.state == "running"
        )

    def with_action(self, action: str) -> list[Event]:
        with self.on.database.read() as session:
            return list(session.scalars(select(Event).where(Event.action == action)))

    def tags(self) -> dict[str, str]:
        with self.on.database.read() as session:
            return {row.ref: row.commit for row in session.scalars(select(BranchTag))}

    def steps(self, job_id: int) -> list[str]:
        with self.on.database.read() as session:
            return list(session.scalars(select(JobStep.name).where(JobStep.job_id == job_id).order_by(JobStep.id)))

    def environment(self, process_type: str) -> dict[str, str]:
        """What the first copy of a process finds."""
        found = next(it for it in self.runtime.containers() if it.process_type == process_type)
        return {key: value.reveal() for key, value in self.runtime.spec_of(found.name).environment.items()}

    def tasks_started(self) -> list[str]:
        """Release tasks and scripts, in order."""
        starts = [call.split("-", 2)[2] for call in self.runtime.calls if call.startswith("start paas-")]
        return [name.rpartition("-j")[0] for name in starts if "-j" in name]

    def mark_for_builds(self, key: str) -> None:
        with self.on.database.write() as session:
            session.execute(update(ConfigVariable).where(ConfigVariable.key == key).values(is_build=True))

    def config(self) -> dict[str, str]:
        with self.on.database.read() as session:
            return {key: it.value.reveal() for key, it in read_config(self.on, session, APP).items()}

    def serves(self) -> list[str]:
        """What nginx sends traffic to: `web.1 v2`. Fails when it is sent to what does not run."""
        site = self.proxy.site(APP)
        if site is None:
            return []
        by_address = {it.address: it for it in self.runtime.containers() if it.state == "running"}
        return [
            f"{it.process_type}.{it.copy} v{it.release}"
            for it in (by_address[backend.rpartition(":")[0]] for backend in site.backends)
        ]

    def assert_tidy(self) -> None:
        """Nothing exists that no row knows, and no row without its thing."""
        with self.on.database.read() as session:
            rows = list(session.scalars(select(Process)))
            open_jobs = list(session.scalars(select(Job.id).where(Job.ended_at.is_(None))))
        assert not open_jobs
        assert {row.state for row in rows} <= {"live"}
        assert {it.name for it in self.runtime.containers()} == {row.container for row in rows}
        held = self._held_addresses()
        assert held == {it.name: it.address for it in self.runtime.containers()}

    def _held_addresses(self) -> dict[str, str]:
        with self.on.database.read() as session:
            rows = session.scalars(select(Address).where(Address.container.is_not(None)))
            return {str(row.container): row.address for row in rows}


def app_json(**words: object) -> dict[str, bytes]:
    return {**PROCFILE, "app.json": json.dumps(words).encode()}


def web_checks(**words: object) -> dict[str, bytes]:
    return app_json(healthchecks={"web": [{"type": "startup", **words}]})


def assert_nothing_changed(stage: Stage) -> None:
    """v1 of commit a still serves, alone."""
    assert stage.serves() == ["web.1 v1"]
    assert stage.running() == ["web.1 v1"]
    assert stage.app().branch_commit == "a" * 40
    assert stage.tags() == {}
    stage.settle()
    stage.assert_tidy()


def _is(thing: object, kind: type[Any]) -> Any:
    assert isinstance(thing, kind)
    return thing
