"""How do web, ssh, worker and nginx stay up? The process under `paas up`: starts, restarts with back-off, adopts nginx.

    python -S -P -m paas.adapters.supervisor PLAN.json

It runs as root for months, so it imports the standard library only and leaves everything that needs settings to
short-lived commands in its plan. It holds the SQLite database open, so that `-wal` and `-shm` exist and belong to root.

SIGTERM, SIGINT   stop the children in order and end; nginx stays.
SIGHUP            ask the installed release for its plan, stop the children, become that release's supervisor.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from paas.adapters.child import Child, Nursery, launcher, reap_strangers, say
from paas.rules.supervision import ChildPlan, SupervisorPlan, is_forked, stop_order

TICK = 1.0
SET_CHILD_SUBREAPER = 36  # prctl(2)
REPLAN_TIMEOUT = 30.0
ALREADY_RUNNING = 3  # exit code


class Supervisor:
    def __init__(self, plan: SupervisorPlan) -> None:
        launch = launcher(dict(plan.environment))
        self.plan = plan
        self.nursery = Nursery(plan.nursery_command, dict(plan.environment))
        self.children = [
            Child(child, self.nursery.launch if is_forked(plan, child) else launch) for child in plan.children
        ]
        self.nginx = Child(ChildPlan("nginx", plan.nginx_command), launch, is_task=True)
        self.wishes: set[int] = set()
        self.began = datetime.now(UTC)

    def run(self, lock: int) -> None:
        """The whole life: hold the database, then look after everybody whenever something happens."""
        adopt_orphans()
        with hold_database(self.plan.sqlite), self._waking_signals() as wake:
            say("started")
            while not self.wishes & {signal.SIGTERM, signal.SIGINT}:
                if signal.SIGHUP in self.wishes:
                    self._become_the_installed_release(lock)
                if self._look_after_children() | self._look_after_nginx():
                    self._write_state("running")
                reap_strangers(self._known_pids())
                trim_log(Path(self.plan.log_file), self.plan.log_limit)
                self._sleep(wake)
            self._stop_children()
            say("stopped; nginx and the apps go on")

    def _look_after_children(self) -> bool:
        changed = False
        for child in self.children:
            changed |= child.has_ended()
            if child.is_due():
                child.start()
                changed = True
        return changed

    def _look_after_nginx(self) -> bool:
        """nginx is not our child, it outlives us. Where its pid file names no living nginx, a task starts one."""
        ended = self.nginx.has_ended()
        if self.nginx.is_due() and nginx_pid(Path(self.plan.nginx_pid_file)) is None:
            self.nginx.start()
        return ended

    def _become_the_installed_release(self, lock: int) -> None:
        """Nothing is stopped before the installed release has proved that it starts and reads its settings."""
        self.wishes.discard(signal.SIGHUP)
        try:
            plan = ask_for_plan(self.plan)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            say(f"restart refused, everything stays as it was: {error}")
            return
        say("restarting")
        self._stop_children()
        os.set_inheritable(lock, True)
        become(plan)

    def _stop_children(self) -> None:
        by_name = {child.plan.name: child for child in self.children}
        self._write_state("stopping")
        for name in stop_order(list(by_name)):
            by_name[name].stop()
        self.nursery.stop()
        self._write_state("stopped")

    def _known_pids(self) -> set[int]:
        processes = [child.process for child in [*self.children, self.nginx]]
        return {process.pid for process in processes if process} | {self.nursery.pid or 0}

    def _write_state(self, state: str) -> None:
        body = {
            "pid": os.getpid(),
            "state": state,
            "since": self.began.isoformat(timespec="seconds"),
            "root": self.plan.root,
            "nursery": self.nursery.pid,
            "children": [child.facts() for child in self.children],
        }
        write_file(Path(self.plan.state_file), json.dumps(body), 0o644)

    @contextlib.contextmanager
    def _waking_signals(self) -> Iterator[int]:
        """A descriptor that becomes readable when a signal came."""
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._note)
        yield reading

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.wishes.add(number)

    def _sleep(self, wake: int) -> None:
        now = time.monotonic()
        waits = [child.due - now for child in self.children if child.process is None]
        select.select([wake], [], [], max(0.0, min([TICK, *waits])))
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 4096)


def adopt_orphans() -> None:
    """Be the parent of what our children leave behind: so the nursery's processes become ours (prctl(2))."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def take_lock(path: Path) -> int | None:
    """A descriptor that holds the installation's lock until its process ends; None when another holds it.

    After SIGHUP the lock comes along through exec: the descriptor that already points at the file is the lock.
    """
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if descriptor.readlink() == path.resolve():
                os.set_inheritable(int(descriptor.name), False)
                return int(descriptor.name)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@contextlib.contextmanager
def hold_database(path: str) -> Iterator[None]:
    """Keep one connection to the SQLite file: nobody but root may then create, replace or remove a file beside it."""
    if not path:
        yield
        return
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield
    finally:
        connection.close()


def nginx_pid(pid_file: Path) -> int | None:
    """The pid in the file, when a living nginx master has it."""
    try:
        pid = int(pid_file.read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if words.startswith(b"nginx: master") else None


def trim_log(path: Path, limit: int) -> None:
    """Keep the log and one older file. The children append to the same open file, so it is copied and emptied."""
    try:
        if path.stat().st_size <= limit:
            return
        write_file(path.with_suffix(".log.1"), path.read_text(errors="replace"), 0o640)
        os.truncate(path, 0)
    except OSError:
        return


def write_file(path: Path, text: str, mode: int) -> None:
    """Replace a file in one step."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(descriptor, mode)
        stream.write(text)
    fresh.replace(path)


def ask_for_plan(plan: SupervisorPlan) -> SupervisorPlan:
    """What the installed release wants to run. Raises SubprocessError or ValueError when it does not even start."""
    answer = subprocess.run(
        plan.replan_command,
        env=dict(plan.environment),
        capture_output=True,
        text=True,
        timeout=REPLAN_TIMEOUT,
        check=False,
    )
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(last)
    return SupervisorPlan.from_json(json.loads(answer.stdout))


def become(plan: SupervisorPlan) -> None:
    """Turn this process into the plan's supervisor. Does not return."""
    plan_file = Path(plan.state_file).with_name("supervisor.plan")
    write_file(plan_file, json.dumps(plan.to_json()), 0o600)
    command = [plan.python, "-S", "-P", "-m", "paas.adapters.supervisor", str(plan_file)]
    os.execve(plan.python, command, dict(plan.environment) | {"PYTHONPATH": plan.root})  # noqa: S606 - a list of words


def main(plan_file: Path) -> int:
    plan = SupervisorPlan.from_json(json.loads(plan_file.read_text()))
    lock = take_lock(Path(plan.lock_file))
    if lock is None:
        print("paas is already up (paas status shows it, paas down stops it)", file=sys.stderr)
        return ALREADY_RUNNING
    Supervisor(plan).run(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
