"""What happens on one channel? A greeting, one of git's verbs, or a command; then exit status, close, one log line."""

from __future__ import annotations

import contextlib
import re
import secrets
import shlex
import time

import structlog

from paas.commands import catalog as _catalog  # noqa: F401 - declares every command
from paas.commands import console
from paas.commands.callers import caller_by_key, note_key_used
from paas.commands.declare import find
from paas.commands.parse import Flags
from paas.context import Caller, Context, SshPlatform
from paas.errors import PaasError, UnauthenticatedError, UsageError
from paas.rules.push import app_name_of
from paas.ssh.connection import Connection, SessionRequest
from paas.ssh.receive import GIT_VERBS, GitDoor
from paas.ssh.terminal import GONE, ChannelTerminal

BUG_EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h

_APP = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)

log = structlog.get_logger(__name__)


def run_session(on: SshPlatform, git: GitDoor, connection: Connection, request: SessionRequest) -> None:
    """In a thread of its own. Nothing is raised: whatever goes wrong is said to the client or logged."""
    started = time.monotonic()
    terminal = ChannelTerminal(request)
    caller = connection.caller
    words: list[str] = []
    code = BUG_EXIT_CODE
    try:
        connection.await_reply_sent()
        caller = still_known(on, connection)
        note_key_used(on, caller.session)
        words = split(request.command)
        code = answer(on, git, caller, words, request, terminal)
    except PaasError as error:
        code = error.exit_code
        console.say_no(error, Flags(), terminal)
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("bug", reference=reference, command=shown(words))
        terminal.write_error(f" !     Something went wrong inside the platform, reference {reference}  [bug]\n")
    finally:
        connection.forget(request)  # before the client knows that there is room again
        _close(request, code)
        log.info(
            "session",
            user=caller.name if caller else "",
            address=connection.address,
            command=shown(words),
            exit_code=code,
            seconds=round(time.monotonic() - started, 3),
            bytes_sent=terminal.sent,
        )


def still_known(on: SshPlatform, connection: Connection) -> Caller:
    """The caller as the database has it now: a connection may outlive a key, a user or a role.

    Raises UnauthenticatedError.
    """
    caller = connection.caller
    if caller is not None and connection.transport.is_authenticated():
        caller = caller_by_key(on, caller.session, connection.address)
    if caller is None:
        raise UnauthenticatedError("This key is not known any more", "ask an administrator: ssh-keys:list")
    return caller


def split(command: str | None) -> list[str]:
    """The words of a command line, in the quoting of a POSIX shell; none of its other powers."""
    if command is None:
        return []
    if "\0" in command:
        raise UsageError("A command cannot contain a NUL character", "help")
    try:
        return shlex.split(command)
    except ValueError:
        raise UsageError(
            "The quotes of this command do not match", "quote once for your shell and once for us"
        ) from None


def answer(
    on: SshPlatform, git: GitDoor, caller: Caller, words: list[str], request: SessionRequest, terminal: ChannelTerminal
) -> int:
    """The exit code."""
    if not words:
        terminal.write(greeting(caller, on.settings.domain))
        return 0
    if words[0] in GIT_VERBS:
        return git.serve(caller, words, request, terminal)
    return console.run(words, Context(on, caller), terminal)


def greeting(caller: Caller, domain: str) -> str:
    role = " (admin)" if caller.role == "admin" else ""
    return (
        f"Hello {caller.name}{role}, this is paas on {domain}. There is no shell here.\n"
        f"Your apps: apps:list      Everything else: help\n"
    )


def shown(words: list[str]) -> str:
    """What the log may hold: the command and the app behind it; no values, and nothing that was pasted by mistake."""
    known = (at for at, word in enumerate(words) if word in GIT_VERBS or word == "help" or find(word) is not None)
    start = next(known, None)
    if start is None:
        return "unknown" if words else ""
    return " ".join(
        [words[start], *(word for word in words[start + 1 : start + 2] if _APP.fullmatch(app_name_of(word)))]
    )


def _close(request: SessionRequest, code: int) -> None:
    """Output has been sent: exit status, then close, or clients call it a broken session."""
    with contextlib.suppress(*GONE):
        request.channel.send_exit_status(code & 0xFF)
        request.channel.close()
