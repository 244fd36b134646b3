"""How is one process started, watched and stopped? Used by the supervisor; standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from paas.rules.supervision import ChildPlan, command_of, next_delay

BIRTH_TIMEOUT = 20.0  # a nursery that was just started loads its libraries first (s)
POLL = 0.02


def say(line: str) -> None:
    """One line for the journal or the log file."""
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} supervisor: {line}", file=sys.stderr, flush=True)


class Running(Protocol):
    """A process that was started, as subprocess.Popen shows it."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...


Launch = Callable[[ChildPlan], Running]


def launcher(environment: Mapping[str, str]) -> Launch:
    """Starts processes by their command."""

    def launch(plan: ChildPlan) -> Running:
        return subprocess.Popen(
            command_of(plan), env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True
        )

    return launch


class Nursery:
    """Starts processes by having them forked (adapters/nursery.py). Is started when needed, and again when it died."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._command = command_of(ChildPlan("nursery", command))
        self._environment = dict(environment)
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def launch(self, plan: ChildPlan) -> Running:
        """Raises OSError when no process was born in time."""
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise OSError("the nursery has no pipes")
        process.stdin.write(json.dumps(asdict(plan)) + "\n")
        process.stdin.flush()
        readable, _, _ = select.select([process.stdout], [], [], BIRTH_TIMEOUT)
        answer = process.stdout.readline().strip() if readable else ""
        if not answer.isdigit():
            self.stop()
            raise OSError(f"the nursery did not answer for {plan.name}")
        return Forked(int(answer))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                start_new_session=True,
            )  # fmt: skip
        return self._process


class Forked:
    """A child that somebody else forked for us: it became ours when its parent ended (PR_SET_CHILD_SUBREAPER)."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # not ours yet, or never
                pid, status = (0, 0) if Path(f"/proc/{self.pid}").exists() else (self.pid, 1)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + timeout if timeout is not None else None
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(POLL)
        return code

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


class Child:
    """One process that is started again whenever it ends.

    `is_task`: it does one thing and ends (nginx is started by one); only a failure is worth a line.
    """

    def __init__(self, plan: ChildPlan, launch: Launch, *, is_task: bool = False) -> None:
        self.plan = plan
        self.is_task = is_task
        self.process: Running | None = None
        self.since = datetime.now(UTC)
        self.due = 0.0
        self.restarts = 0
        self._launch = launch
        self._started = 0.0
        self._delay = 0.0

    def is_due(self) -> bool:
        return self.process is None and time.monotonic() >= self.due

    def start(self) -> None:
        self._started = time.monotonic()
        self.since = datetime.now(UTC)
        try:
            self.process = self._launch(self.plan)
        except OSError as error:
            self._ended(f"could not be started: {error}")

    def has_ended(self) -> bool:
        """Reap it if it ended, and set the moment of its next start."""
        if self.process is None or self.process.poll() is None:
            return False
        code = self.process.returncode or 0
        self.process = None
        if self.is_task and code == 0:
            self._delay = 0.0
            return True
        self._ended(f"ended ({_describe(code)})")
        return True

    def stop(self) -> None:
        """SIGTERM, wait, then SIGKILL to whatever is left of its session."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.plan.stop_timeout)
        except subprocess.TimeoutExpired:
            say(f"{self.plan.name} did not end within {self.plan.stop_timeout:g} s and is killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.since = datetime.now(UTC)

    def facts(self) -> dict[str, object]:
        return {
            "name": self.plan.name,
            "pid": self.process.pid if self.process else None,
            "state": "running" if self.process else "waiting",
            "since": self.since.isoformat(timespec="seconds"),
            "restarts": self.restarts,
        }

    def _ended(self, how: str) -> None:
        self.since = datetime.now(UTC)
        self.restarts += 1
        self._delay = next_delay(time.monotonic() - self._started, self._delay, self.plan.longest_delay)
        self.due = time.monotonic() + self._delay
        say(f"{self.plan.name} {how}, next start in {self._delay:g} s")


def reap_strangers(known: set[int]) -> None:
    """Orphans of our children's children become ours, too; nobody waits for them but us."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in known:
            os.waitpid(ended.si_pid, 0)


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
