"""How do git's hooks reach the door that started their git? Over `run/hook.sock`, with a token for this one push.

The socket belongs to the SSH user (0600), the token is known to the git process that we started and its children only,
and each of the two hooks may come once. The words are those of `deploy/git/hooks/proc-receive`.
"""

from __future__ import annotations

import contextlib
import hmac
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from paas.ports import Say
from paas.rules.push import RefUpdate, read_update

PATIENCE = 10.0  # seconds for a hook to say what it has to say
LONGEST_REQUEST = 16_000_000  # a hundred thousand refs: too many, and counted for the pusher
PRE_RECEIVE, PROC_RECEIVE = "pre-receive", "proc-receive"

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")

log = structlog.get_logger(__name__)


@dataclass
class HookRequest:
    """What a hook said."""

    hook: str = ""
    quarantine: str = ""
    is_atomic: bool = False
    options: list[str] = field(default_factory=list)
    updates: list[RefUpdate] = field(default_factory=list)


class HookListener(Protocol):
    """One push, as the hooks of its git see it."""

    def inspect(self, request: HookRequest, say: Say) -> str:
        """pre-receive, objects in quarantine: "" or why the whole push is refused."""

    def receive(self, request: HookRequest, say: Say) -> dict[str, str]:
        """proc-receive: full ref -> "" when it was moved, else a reason."""


class HookServer:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lock = threading.Lock()
        self._expected: dict[str, tuple[HookListener, set[str]]] = {}  # token -> push, hooks that may still come

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._listening.bind(str(self.path))
        self.path.chmod(0o600)
        self._listening.listen(64)
        threading.Thread(target=self._accept, name="hooks", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.path.unlink(missing_ok=True)

    @contextmanager
    def expect(self, push: HookListener) -> Iterator[dict[str, str]]:
        """The environment for the git of this push; its hooks are answered until the block is left."""
        token = secrets.token_hex(16)
        with self._lock:
            self._expected[token] = (push, {PRE_RECEIVE, PROC_RECEIVE})
        try:
            yield {"PAAS_HOOK_SOCKET": str(self.path), "PAAS_HOOK_TOKEN": token}
        finally:
            with self._lock:
                del self._expected[token]

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), name="hook", daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            try:
                line.settimeout(PATIENCE)
                words = _read_words(line)
                push = self._claim(words[0], request := _parse(words[1:]))
                line.settimeout(None)
            except (OSError, ValueError):
                return  # not a hook of ours, or it is gone
            if push is not None:
                answer = _answer_safely(push, request, lambda text: _say(line, text))
                with contextlib.suppress(OSError):  # the hook is gone; a deploy that has begun goes on
                    line.sendall("".join(f"{text}\n" for text in [*answer, "end"]).encode("utf-8", "surrogateescape"))

    def _claim(self, token: str, request: HookRequest) -> HookListener | None:
        with self._lock:
            for known, (push, hooks) in self._expected.items():
                if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")) and request.hook in hooks:
                    hooks.discard(request.hook)
                    return push
        return None


def _answer_safely(push: HookListener, request: HookRequest, say: Say) -> list[str]:
    try:
        return _answer_of(push, request, say)
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("bug", reference=reference, hook=request.hook)
        say(f" !     Something went wrong inside the platform, reference {reference}  [bug]")
        return [f"ng {update.ref} internal error, reference {reference}" for update in request.updates]


def _answer_of(push: HookListener, request: HookRequest, say: Say) -> list[str]:
    if request.hook == PRE_RECEIVE:
        refusal = push.inspect(request, say)
        return [f"ng * {_plain(refusal)}"] if refusal else []
    answers = push.receive(request, say)
    return [f"ng {ref} {_plain(reason)}" if reason else f"ok {ref}" for ref, reason in answers.items()]


def _read_words(line: socket.socket) -> list[str]:
    """All lines up to `end`."""
    text = bytearray()
    while not text.endswith(b"\nend\n"):
        chunk = line.recv(65_536)
        if not chunk or len(text) > LONGEST_REQUEST:
            raise ValueError("not a hook of ours")
        text += chunk
    return text.decode("utf-8", "surrogateescape").split("\n")[:-2]


def _parse(words: list[str]) -> HookRequest:
    request = HookRequest()
    for word, _, text in (line.partition(" ") for line in words):
        if word == "update":
            old, new, ref = text.split(" ", 2)
            request.updates.append(read_update(old, new, ref))
        elif word == "option":
            request.options.append(text)
        elif word == "hook":
            request.hook = text
        elif word == "quarantine":
            request.quarantine = text
        elif word == "atomic":
            request.is_atomic = True
        else:
            raise ValueError(f"unknown word {word[:40]!a}")
    return request


def _say(line: socket.socket, text: str) -> None:
    """A pusher who has left, or whose git has, misses lines; the deploy does not mind."""
    with contextlib.suppress(OSError):
        line.sendall(f"say {_plain(text)}\n".encode("utf-8", "replace"))


def _plain(text: str) -> str:
    """One line without colours and control characters: nobody knows whether a terminal is at the other end."""
    return _CONTROL.sub("", text)
