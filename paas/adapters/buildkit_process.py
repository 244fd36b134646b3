"""How does one build run? A process group of its own, watched for time, output and the wish to cancel."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO

from paas.errors import BuildError, CancelledJobError
from paas.ports import IsCancelled

POLL = 0.2  # s; how soon a wish to cancel is seen while the build is silent


class BuildProcess:
    """The docker client: `feed` writes its standard input in a thread, `lines` gives what it prints."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], feed: Callable[[IO[bytes]], None]) -> None:
        self.feed_error: BaseException | None = None
        self._process = subprocess.Popen(
            words,
            env=dict(environment),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._feeder = threading.Thread(target=self._feed, args=(feed,), name="build-context", daemon=True)
        self._feeder.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def lines(self, timeout: float, is_cancelled: IsCancelled) -> Iterator[str | None]:
        """Lines as they come, None when the client is silent.

        Raises BuildError (code `build-timeout`) or CancelledJobError.
        """
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        deadline = time.monotonic() + timeout
        descriptor = self._process.stdout.fileno()
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                if is_cancelled():
                    raise CancelledJobError("The build was cancelled")
                if time.monotonic() > deadline:
                    raise BuildError(
                        f"The build took longer than {timeout:g} s and was stopped",
                        "an administrator can raise build_timeout",
                        code="build-timeout",
                    )
                if not selector.select(POLL):
                    yield None
                    continue
                chunk = os.read(descriptor, 65536)
                if not chunk:
                    break
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line.decode("utf-8", "replace")
                yield None
                if len(rest) > 1_000_000:
                    rest = rest[-4_000:]
        if rest:
            yield rest.decode("utf-8", "replace")

    def wait(self) -> int:
        code = self._process.wait()
        self._feeder.join(5)
        return code

    def stop(self) -> None:
        """End the whole group: BuildKit gives a build up when its client is gone."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._feeder.join(5)

    def _feed(self, feed: Callable[[IO[bytes]], None]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        try:
            feed(self._process.stdin)
        except BrokenPipeError:
            pass  # the client ended first; its own words say why
        except BaseException as error:
            self.feed_error = error
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # a half context must not become an image
        finally:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
