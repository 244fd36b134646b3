"""How is one process started, watched and stopped? Used by the supervisor; standard library only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from paas.rules.supervision import ChildPlan, command_of, next_delay


def say(line: str) -> None:
    """One line for the journal or the log file."""
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} supervisor: {line}", file=sys.stderr, flush=True)


class Child:
    """One process that is started again whenever it ends.

    `is_task`: it does one thing and ends (nginx is started by one); only a failure is worth a line.
    """

    def __init__(self, plan: ChildPlan, environment: Mapping[str, str], *, is_task: bool = False) -> None:
        self.plan = plan
        self.environment = environment
        self.is_task = is_task
        self.process: subprocess.Popen[bytes] | None = None
        self.since = datetime.now(UTC)
        self.started = 0.0
        self.delay = 0.0
        self.due = 0.0
        self.restarts = 0

    def is_due(self) -> bool:
        return self.process is None and time.monotonic() >= self.due

    def start(self) -> None:
        self.process = subprocess.Popen(
            command_of(self.plan), env=dict(self.environment), stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.started = time.monotonic()
        self.since = datetime.now(UTC)

    def has_ended(self) -> bool:
        """Reap it if it ended, and set the moment of its next start."""
        if self.process is None or self.process.poll() is None:
            return False
        code = self.process.returncode
        self.process = None
        self.since = datetime.now(UTC)
        self.restarts += 1
        if self.is_task and code == 0:
            self.delay = 0.0
            return True
        self.delay = next_delay(time.monotonic() - self.started, self.delay)
        self.due = time.monotonic() + self.delay
        say(f"{self.plan.name} ended ({_describe(code)}), next start in {self.delay:g} s")
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


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
