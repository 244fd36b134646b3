"""A worker without flows: claims deploy jobs, says lines, and makes the release current or fails, as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from paas.adapters.logfiles import LogFiles
from paas.errors import PaasError, UnavailableError
from paas.model import App, BranchTag, Database, Job, update
from paas.model.job import FAILED, SUCCEEDED, claim, claimable, finish
from paas.ports import ConsoleLine
from paas.rules.jobs import Deploy, read_order
from paas.rules.queue import check_turn

Say = Callable[[str], None]


def build(order: Deploy, say: Say) -> None:
    """The default deploy: two lines and done."""
    say("-----> Building blog")
    say("-----> Released v1")


class StandInWorker:
    """Also the port `WorkerLine`."""

    def __init__(self, database: Database, logs: LogFiles) -> None:
        self._database, self._logs = database, logs
        self._rung = threading.Event()
        self._stopping = False
        self.deploy: Callable[[Deploy, Say], None] = build
        self.orders: list[Deploy] = []
        self.consoles: list[ConsoleLine] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ring(self) -> None:
        self._rung.set()

    def ask(self, question: str, timeout: float = 10.0, **words: str) -> dict[str, object]:
        raise UnavailableError("The worker does not answer", "paas status")

    def open_console(self, ticket: str) -> ConsoleLine:
        if not self.consoles:
            raise UnavailableError("The worker does not answer", "paas status")
        return self.consoles.pop()

    def stop(self) -> None:
        self._stopping = True
        self._rung.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._rung.wait()
            self._rung.clear()
            while not self._stopping and self._work():
                pass

    def _work(self) -> bool:
        with self._database.read() as session:
            ids = claimable(session, heavy_allowed=True)
        for number in ids:
            with self._database.write() as session:
                job = claim(session, number, "standin", datetime.now(UTC), 30.0)
            if job is not None:
                self._finish(job)
                return True
        return False

    def _finish(self, job: Job) -> None:
        order = read_order(job.kind, job.payload)
        now = datetime.now(UTC)
        if not isinstance(order, Deploy) or order.push is None:
            with self._database.write() as session:
                finish(session, job.id, job.fence, SUCCEEDED, now)
            return
        self.orders.append(order)
        log = self._logs.writer(job.log)
        try:
            with self._database.read() as session:
                app = session.get(App, job.app_id)
            check_turn(order.push, app.branch_commit if app else None)
            self.deploy(order, log.write)
        except PaasError as error:
            log.write(f" !     {error.message}  [{error.code}]\n !     {error.hint}\n")
            with self._database.write() as session:
                finish(
                    session, job.id, job.fence, FAILED, now,
                    result_code=error.code, result_message=error.message, result_hint=error.hint,
                )  # fmt: skip
        else:
            with self._database.write() as session:
                moved = {"branch_commit": order.push.new, "deploy_branch": order.push.branch}
                session.execute(update(App).where(App.id == job.app_id).values(**moved))
                for ref, commit in order.push.tags.items():
                    session.add(BranchTag(app_id=job.app_id, ref=ref, commit=commit, job_id=job.id))
                finish(session, job.id, job.fence, SUCCEEDED, now)
        log.close()
