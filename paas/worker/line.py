"""Who speaks to the worker, and what do they want? The server of `run/worker.sock` (rules/frames.py).

Only root, the web user and the SSH user are listened to (SO_PEERCRED, unix(7)), whatever the socket's mode says.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import structlog

from paas.errors import BadInputError, PaasError, UnavailableError
from paas.rules import frames
from paas.settings import Settings
from paas.worker.threads import start_thread

MODE_MASK = 0o117  # 0660
BACKLOG = 128
PATIENCE = 10.0  # for the first frame, and for a peer that does not take its answer
MOST_PEERS = 512  # each has a thread, consoles for hours; more than both doors together let in
PAUSE = 0.1  # after a connection that could not be accepted
LONGEST_QUESTION = 65536

Handler = Callable[[Mapping[str, str]], Mapping[str, object]]
Bridge = Callable[[socket.socket, str], None]  # is handed a connection and its ticket

log = structlog.get_logger(__name__)


class WorkerSocket:
    """`wake` is called for the wake-up byte, a handler for its question, `bridge` for a ticket."""

    def __init__(
        self, settings: Settings, wake: Callable[[], None], handlers: Mapping[str, Handler], bridge: Bridge
    ) -> None:
        self._path = settings.folder("run") / "worker.sock"
        self._group = settings.group
        self._peers = _user_ids("root", settings.web_user, settings.ssh_user)
        self._wake = wake
        self._handlers = handlers
        self._bridge = bridge
        self._places = threading.BoundedSemaphore(MOST_PEERS)
        self._listener: socket.socket | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Listen; what a killed predecessor left in the way is removed."""
        self._listener = _listen(self._path, self._group)
        start_thread(self._accept, "worker.sock")

    def stop(self) -> None:
        self._is_stopped = True
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None:
            try:
                line, _ = listener.accept()
            except OSError as error:
                if self._is_stopped:
                    return
                log.warning("worker-accept", error=str(error))  # too many open files: it will pass
                time.sleep(PAUSE)
                continue
            if self._places.acquire(blocking=False):
                start_thread(partial(self._serve, line), "worker.sock peer")
            else:
                line.close()  # a broken door; jobs are still found by the loop's own look

    def _serve(self, line: socket.socket) -> None:
        with line, self._place():
            try:
                line.settimeout(PATIENCE)
                if _peer_user(line) not in self._peers:
                    log.warning("worker-peer-refused", uid=_peer_user(line))
                    return
                self._answer(line)
            except OSError as error:  # the peer went away, or does not speak frames
                log.info("worker-peer-lost", error=str(error))

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._places.release()

    def _answer(self, line: socket.socket) -> None:
        kind = line.recv(1)
        if kind == frames.WAKE:
            self._wake()
            return
        frame = frames.read_frame(line.recv, kind, LONGEST_QUESTION) if kind else None
        if frame is None:
            return
        try:
            if frame.kind == frames.ASK:
                line.sendall(_pack_answer(self._ask(frame.payload)))
            elif frame.kind == frames.TICKET:
                self._bridge(line, frame.payload.decode("ascii", "replace"))
            else:
                raise BadInputError("Unknown frame", code="bad-question")
        except PaasError as error:
            line.sendall(pack_refusal(error))
        except OSError:
            raise
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("worker-question", reference=reference)
            line.sendall(pack_refusal(UnavailableError(f"The worker failed (reference {reference})", code="internal")))

    def _ask(self, payload: bytes) -> Mapping[str, object]:
        try:
            body = json.loads(payload)
            question, words = str(body["question"]), {str(key): str(value) for key, value in body["words"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise BadInputError("That is no question", code="bad-question") from None
        handler = self._handlers.get(question)
        if handler is None:
            raise BadInputError(f"The worker knows no answer to {question[:40]!a}", code="bad-question")
        return handler(words)


def _pack_answer(answer: Mapping[str, object]) -> bytes:
    return frames.pack(frames.ANSWER, json.dumps(answer, default=str).encode())


def pack_refusal(error: PaasError) -> bytes:
    body = {**error.as_dict(), "exit_code": error.exit_code, "http_status": error.http_status}
    return frames.pack(frames.REFUSAL, json.dumps(body).encode())


def _listen(path: Path, group: str) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(MODE_MASK)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    with contextlib.suppress(KeyError, PermissionError):  # a checkout that is tried out by one user has no group
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
    listener.listen(BACKLOG)
    return listener


def _peer_user(line: socket.socket) -> int:
    """User id of the process that connected."""
    credentials = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def _user_ids(*users: str) -> frozenset[int]:
    found = {os.getuid()}
    for user in users:
        with contextlib.suppress(KeyError):
            found.add(pwd.getpwnam(user).pw_uid)
    return frozenset(found)
