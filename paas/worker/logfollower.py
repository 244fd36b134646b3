"""How does a container's output get into its log? A thread reads it; one thread for all of them writes, in batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from paas.errors import PaasError, UnavailableError
from paas.ports import Clock, Container, LogLine, Logs, LogStream, LogWriter, Runtime
from paas.rules import names
from paas.rules.logline import LogRecord, format_record
from paas.rules.secret import Redactor
from paas.worker.logcursor import last_cursors, reading_from

ALIVE = ("running", "paused", "restarting")
RETRY = 1.0
PAUSE = 0.1  # before following again a container that is alive
BATCH = 256 * 1024  # characters per write: rotation stays near its limit
BUFFER_LIMIT = 4 * 1024 * 1024  # characters read and not yet written, per container

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Plumbing:
    """What followers are made of. `secrets_of`: the values to be redacted in what a container prints."""

    runtime: Runtime
    logs: Logs
    clock: Clock
    secrets_of: Callable[[Container], Iterable[str]]


class Follower:
    """Reads one container's lines, in order, each once."""

    def __init__(self, plumbing: Plumbing, container: Container, flusher: Flusher) -> None:
        self.container = container
        self.ended = threading.Event()
        self.must_look_again = False
        self._plumbing = plumbing
        self._flusher = flusher
        self._process = names.display_name(container.process_type, container.copy)
        self._log = f"{names.log_folder(container.app_id)}/{names.process_log(container.process_type, container.copy)}"
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._buffer: list[str] = []
        self._waiting = 0  # characters in the buffer
        self._writer: LogWriter | None = None
        self._redact = Redactor()
        self._cursors: dict[str, str] = {}
        self._stream: LogStream | None = None

    def run(self, may_end: Callable[[Follower], bool]) -> None:
        """Follow until the container has ended and all of it is in the log."""
        try:
            while not self._closing.is_set():
                try:
                    self.read(follow=True)
                    if self._is_alive():
                        self._closing.wait(PAUSE)
                        continue
                    self.read(follow=False)  # a lost connection looks like the end: only an answer proves it
                    if may_end(self):
                        break
                except PaasError as error:  # Docker is down, the disk is full: it will pass
                    log.warning("log-follow", container=self.container.name, error=str(error))
                    self._closing.wait(RETRY)
                except Exception:  # a bug must not cost the rest of this container's lines
                    log.exception("log-follow", container=self.container.name)
                    self._closing.wait(RETRY)
        finally:
            self.close()
            self.ended.set()

    def read(self, *, follow: bool) -> None:
        """Read from the cursor and write. Raises UnavailableError."""
        self._open()
        stream = self._stream = self._plumbing.runtime.log_lines(
            self.container.name, reading_from(self._cursors), follow=follow
        )
        try:
            for line in stream:
                if self._closing.is_set():
                    return
                self._push(line)
        finally:
            self._stream = None
            stream.close()
        self.flush()

    def flush(self) -> None:
        """Write what was read. Raises UnavailableError, and keeps it for later, when it cannot be written."""
        with self._writing:
            while self._writer is not None and (batch := self._take()):
                text = "".join(batch)
                try:
                    self._writer.write(text)
                except UnavailableError:
                    with self._changed:
                        self._buffer[:0] = batch
                    raise
                with self._changed:
                    self._waiting -= len(text)
                    self._changed.notify_all()

    def close(self) -> None:
        """Stop reading; what is not written by now is read again by the next follower."""
        self._closing.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        with self._writing:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def give_up(self, reason: str) -> None:
        """Stop reading for good, with a line in the log that says so."""
        self.close()
        now = f"{self._plumbing.clock.now():%Y-%m-%dT%H:%M:%S.%f}000Z"
        writer = self._plumbing.logs.writer(self._log)
        writer.write(format_record(LogRecord(now, self._process, self.container.rollout, "platform", reason)))
        writer.close()

    def _open(self) -> None:
        with self._writing:
            if self._writer is not None or self._closing.is_set():
                return
            self._redact = Redactor(self._plumbing.secrets_of(self.container))
            writer = self._plumbing.logs.writer(self._log)  # cuts off a half-written line before the cursor is read
            self._cursors = last_cursors(self._plumbing.logs, self._log, self._process, self.container.rollout)
            self._writer = writer

    def _is_alive(self) -> bool:
        found = self._plumbing.runtime.find(self.container.name)
        return found is not None and found.state in ALIVE

    def _push(self, line: LogLine) -> None:
        self._cursors[line.stream] = line.cursor
        text = self._redact(line.text)
        written = format_record(LogRecord(line.cursor, self._process, self.container.rollout, line.stream, text))
        with self._changed:
            while self._waiting > BUFFER_LIMIT and not self._closing.is_set():
                self._changed.wait(RETRY)
            is_first = not self._buffer
            self._buffer.append(written)
            self._waiting += len(written)
        if is_first:
            self._flusher.notice(self)

    def _take(self) -> list[str]:
        with self._changed:
            count = length = 0
            while count < len(self._buffer) and length < BATCH:
                length += len(self._buffer[count])
                count += 1
            batch, self._buffer = self._buffer[:count], self._buffer[count:]
            return batch


class Flusher:
    """Writes for all followers. While it writes, more lines gather: the busier, the larger the batches."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._dirty: set[Follower] = set()
        self._is_running = False

    def notice(self, follower: Follower) -> None:
        with self._changed:
            self._dirty.add(follower)
            self._changed.notify()
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="log-writer", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty)
                dirty, self._dirty = self._dirty, set()
            for follower in dirty:
                self._flush(follower)

    def _flush(self, follower: Follower) -> None:
        try:
            follower.flush()
        except UnavailableError as error:
            log.warning("log-write", container=follower.container.name, error=str(error))
            timer = threading.Timer(RETRY, self.notice, (follower,))
            timer.daemon = True
            timer.start()
        except Exception:  # one log must not stop the others
            log.exception("log-write", container=follower.container.name)
