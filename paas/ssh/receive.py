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
from dataclasses import replace
from typing import Literal

import paramiko

from paas.commands.repositories import app_to_fetch, app_to_push
from paas.context import Caller, Context, SshPlatform
from paas.errors import ForbiddenError, UsageError
from paas.ports import GitService
from paas.rules.push import app_name_of
from paas.ssh.branches import BranchFollower
from paas.ssh.connection import SessionRequest
from paas.ssh.hooks import HookServer
from paas.ssh.push import PushSession
from paas.ssh.terminal import ChannelTerminal
from paas.ssh.transport import WINDOW

Service = Literal["receive-pack", "upload-pack"]

PUSH, FETCH, ARCHIVE = "git-receive-pack", "git-upload-pack", "git-upload-archive"
GIT_VERBS = (PUSH, FETCH, ARCHIVE)
CHUNK = 256 * 1024
PIPE_SIZE = 1024 * 1024  # Linux's limit for users; fewer switches between two processes than with 64 KiB
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
        return converse(git, channel, terminal, outlives_client=False)

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
            code = converse(git, channel, terminal, outlives_client=True)
        threading.Thread(target=self._on.repositories.tidy, args=(app.id,), name="tidy", daemon=True).start()
        return code


def converse(git: GitService, channel: paramiko.Channel, terminal: ChannelTerminal, *, outlives_client: bool) -> int:
    """Copy both ways until git ends; its exit code. `outlives_client`: git is not killed when the client leaves."""
    channel.settimeout(GIVE_UP)
    for stream in (git.stdin, git.stdout):
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    threading.Thread(target=_feed, args=(git, channel), name="git-stdin", daemon=True).start()
    try:
        if not _drain(git, channel, terminal) and not outlives_client:
            git.kill()
        return git.wait()
    finally:
        git.close_output()


def _feed(git: GitService, channel: paramiko.Channel) -> None:
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
            view = memoryview(data)
            while view:
                view = view[os.write(git.stdin, view) :]
    with contextlib.suppress(OSError):
        git.close_stdin()


def _drain(git: GitService, channel: paramiko.Channel, terminal: ChannelTerminal) -> bool:
    """From git to the client, to the end of both streams; False when the client left before."""
    is_there = True
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
