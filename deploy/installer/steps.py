"""How does an installation tell what it does? Lines with the seconds since the start; a failure is exactly one line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def log_file() -> Path:
    """What the programs that are run print, in full."""
    return Path(os.environ.get("INSTALL_LOG", "/var/log/paas-install.log"))


class InstallError(Exception):
    """What went wrong, and what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Steps:
    """Tells steps as they begin and end; several may go on at once."""

    def __init__(self) -> None:
        self._began = float(os.environ.get("INSTALL_BEGAN", time.time()))
        self._speaking = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=4)

    def elapsed(self) -> float:
        return time.time() - self._began

    def say(self, line: str, mark: str = "      ") -> None:
        with self._speaking:
            print(f"{mark} [{self.elapsed():5.1f} s] {line}", flush=True)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        began = time.monotonic()
        self.say(title, "----->")
        yield
        self.say(f"{title}: {time.monotonic() - began:.1f} s")

    def beside(self, title: str, work: Callable[[], T]) -> Future[T]:
        """Do a step beside the others; `.result()` waits for it and raises its failure."""

        def _work() -> T:
            with self.step(title):
                return work()

        return self._pool.submit(_work)


def run(
    command: Sequence[str],
    hint: str,
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
    accepted: Sequence[int] = (0,),
    timeout: float = 900,
) -> str:
    """Run a program; its output goes to the log, its stdout is returned. Raises InstallError with its last line.

    accepted: exit codes that are no failure.
    """
    with log_file().open("a") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        try:
            answer = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                env={**os.environ, **(environment or {})},
                cwd=cwd,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise InstallError(f"{command[0]} is not installed", hint) from None
        except subprocess.TimeoutExpired:
            raise InstallError(f"{command[0]} did not end within {timeout:g} s", hint) from None
        log.write(answer.stdout + answer.stderr)
    if answer.returncode not in accepted:
        raise _refusal(command[0], answer.stderr or answer.stdout, hint)
    return answer.stdout


def _refusal(program: str, output: str, hint: str) -> InstallError:
    """In the words of our own commands (` !     message  [code]`, ` !     hint`), else the last line of any other."""
    ours = [line[2:].strip() for line in output.splitlines() if line.startswith(" !")]
    if ours:
        return InstallError(ours[0].partition("  [")[0], ours[1] if len(ours) > 1 else hint)
    return InstallError(last_line(output) or f"{program} failed", hint)


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def fail(story: str, failure: InstallError) -> int:
    """The one line on stderr."""
    sys.stdout.flush()
    message = " ".join(failure.message.split()).rstrip(".")
    print(f"{story}: {message}; {failure.hint}", file=sys.stderr)
    return 1
