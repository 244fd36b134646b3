"""How does the client's git talk to ours? Find the app, start git's server program, and copy three streams.

Clone and fetch need the right to view, push the right to deploy. Once a push has arrived whole, its client may leave:
git's output is still read to its end, so that git and its hooks notice nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import threading
from dataclasses import dataclass, replace
from typing import Literal

import paramiko

from paas.commands.repositories import GitApp, app_to_fetch, app_to_push, commits_before
from paas.context import Caller, Context, SshPlatform
from paas.errors import ForbiddenError, PaasError, UsageError
from paas.ports import GitService, Say
from paas.rules.push import FLUSH, app_name_of, explain_silence
from paas.ssh.branches import BranchFollower
from paas.ssh.connection import SessionRequest
from paas.ssh.hooks import HookServer
from paas.ssh.push import PushSession, say_no
from paas.ssh.terminal import ChannelTerminal
from paas.ssh.transport import WINDOW

Service = Literal["receive-pack", "upload-pack"]

PUSH, FETCH, ARCHIVE = "git-receive-pack", "git-upload-pack", "git-upload-archive"
GIT_VERBS = (PUSH, FETCH, ARCHIVE)
CHUNK = 256 * 1024
PIPE_SIZE = 1024 * 1024  # Linux's limit for users; fewer switches between two processes than with 64 KiB
OPENING = 64  # bytes; one packet "shallow" has 53
GIVE_UP = 300.0  # seconds in which a client takes nothing


class GitDoor:
    def __init__(self, on: SshPlatform, hooks: HookServer, branches: BranchFollower) -> None:
        self._on = on
        self._hooks = hooks
        self._branches = branches

    def serve(self, caller: Caller, words: list[str], request: SessionRequest, terminal: ChannelTerminal) -> int:
        """git's exit code. Raises PaasError for what the caller must read."""
        verb, *paths = words
        if verb == ARCHIVE:
            raise ForbiddenError("git archive --remote is not offered", "clone, then git archive", code="git-archive")
        if len(paths) != 1:
            raise UsageError(f"{verb} takes one path", "git push ssh://paas@host:port/app main")
        name = app_name_of(paths[0])
        ctx = Context(self._on, replace(caller, via="git"))
        environment = {key: value for key, value in request.environment.items() if key == "GIT_PROTOCOL"}
        return (self._fetch if verb == FETCH else self._push)(ctx, name, environment, request.channel, terminal)

    def _fetch(
        self,
        ctx: Context,
        name: str,
        environment: dict[str, str],
        channel: paramiko.Channel,
        terminal: ChannelTerminal,
    ) -> int:
        app = app_to_fetch(ctx, name)
        self._on.repositories.create(app.id)
        git = self._on.repositories.serve(app.id, "upload-pack", environment)
        return converse(git, channel, terminal, outlives_client=False).code

    def _push(
        self,
        ctx: Context,
        name: str,
        environment: dict[str, str],
        channel: paramiko.Channel,
        terminal: ChannelTerminal,
    ) -> int:
        app = app_to_push(ctx, name, lambda line: terminal.write_error(f"{line}\n"))
        self._on.repositories.create(app.id)
        push = PushSession(ctx, app, self._on.repositories, self._branches)
        with self._hooks.expect(push) as way_back:
            git = self._on.repositories.serve(app.id, "receive-pack", environment | way_back)
            talk = converse(git, channel, terminal, outlives_client=True)
        if not push.has_answered:
            explain(ctx, app, talk.opening, lambda line: terminal.write_error(f"{line}\n"))
        threading.Thread(target=self._on.repositories.tidy, args=(app.id,), name="tidy", daemon=True).start()
        return talk.code


@dataclass
class Talk:
    """What a client and git said to each other. `opening`: the client's first bytes. `code`: git's exit code."""

    opening: bytes = b""
    code: int = 0


def explain(ctx: Context, app: GitApp, opening: bytes, say: Say) -> None:
    """To the pusher whose git, or ours, ended the push before our hooks could say something."""
    is_deployed = bool(commits_before(ctx, app.id))
    reason = explain_silence(app.name, opening, ctx.on.settings.push_limit, is_deployed=is_deployed)
    if isinstance(reason, PaasError):
        say_no(reason, say)
    elif reason:
        say(reason)


def converse(git: GitService, channel: paramiko.Channel, terminal: ChannelTerminal, *, outlives_client: bool) -> Talk:
    """Copy both ways until git ends. `outlives_client`: git is not killed when the client leaves."""
    talk = Talk()
    channel.settimeout(GIVE_UP)
    for stream in (git.stdin, git.stdout):
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    threading.Thread(target=_feed, args=(git, channel, talk), name="git-stdin", daemon=True).start()
    try:
        if not _drain(git, channel, terminal) and not outlives_client:
            git.kill()
        talk.code = git.wait()
        return talk
    finally:
        git.close_output()


def _feed(git: GitService, channel: paramiko.Channel, talk: Talk) -> None:
    """From the client to git, whose own pace holds the client back through the channel's window.

    Ends with the client's input, with git, or with the channel, which the session closes at its end.
    """
    with contextlib.suppress(OSError, ValueError):
        while True:
            try:
                data = channel.recv(WINDOW)
            except TimeoutError:
                continue
            if not data:
                break
            talk.opening = talk.opening or data[:OPENING]
            view = memoryview(data)
            while view:
                view = view[os.write(git.stdin, view) :]
    with contextlib.suppress(OSError):
        git.close_stdin()


def _drain(git: GitService, channel: paramiko.Channel, terminal: ChannelTerminal) -> bool:
    """From git to the client, to the end of both streams; False when the client left before."""
    is_there = terminal.send(read_greeting(git.stdout), channel.sendall)
    with selectors.DefaultSelector() as selector:
        selector.register(git.stdout, selectors.EVENT_READ, channel.sendall)
        selector.register(git.stderr, selectors.EVENT_READ, channel.sendall_stderr)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, CHUNK)
                if not data:
                    selector.unregister(key.fd)
                elif is_there:
                    is_there = terminal.send(data, key.data)
    return is_there


def read_greeting(stdout: int) -> bytes:
    """What git says before it listens, in one piece, which ends with a flush packet; a long one's beginning.

    A client that dislikes the first line leaves at once; ssh, which cannot write the rest, would leave too, unheard.
    """
    said = b""
    while not said.endswith(FLUSH) and len(said) < CHUNK and (data := os.read(stdout, CHUNK)):
        said += data
    return said
