"""Who is at the other end, and what may this connection ask for? Sessions with a command; nothing else.

paramiko calls these methods in the transport's thread and sends the reply after they return.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

import paramiko
from paramiko import common

from paas.commands.callers import caller_by_key
from paas.context import Caller, SshPlatform
from paas.ssh.transport import DoorTransport, UnusableKey

USER = "paas"  # everybody's user name; who they are says the key
CHANNELS = 8
LONGEST_COMMAND = 131_072  # MAX_ARG_STRLEN of Linux: what an OpenSSH server could pass on
LONGEST_VALUE = 1_000

_LANGUAGE = re.compile(r"[A-Za-z0-9_.@:-]{0,100}", re.ASCII)
_GIT_PROTOCOL = re.compile(r"[A-Za-z0-9=._-]+(?::[A-Za-z0-9=._-]+)*", re.ASCII)  # git(1), GIT_PROTOCOL


@dataclass
class SessionRequest:
    """What the client asked of one channel before (and, for the window, while) its command runs."""

    channel: paramiko.Channel
    command: str | None = None  # None: no command, a shell was asked for
    is_tty: bool = False
    term: str = ""  # TERM of its terminal
    columns: int = 80
    rows: int = 24
    environment: dict[str, str] = field(default_factory=dict)
    is_started: bool = False
    resized: Callable[[int, int], None] = lambda columns, rows: None


class Connection(paramiko.ServerInterface):
    """`start` is called with each session's request and says whether there is room for it."""

    def __init__(self, on: SshPlatform, address: str, start: Callable[[Connection, SessionRequest], bool]) -> None:
        self.address = address
        self.attempts = 0
        self.names: set[str] = set()
        self.holds_share = False  # of the connections that its user may have
        self.transport: DoorTransport
        self.caller: Caller | None = None  # of the key that was last found good; trusted after the login only
        self._on = on
        self._start = start
        self._sessions: dict[int, SessionRequest] = {}
        self._round_trip = threading.Lock()

    @property
    def user_id(self) -> int | None:
        return self.caller.user_id if self.caller else None

    # --- Login: nothing is done or written here, a client may ask about keys that are not its own ---------------------
    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """The same work and the same answer, whether the name or the key is wrong."""
        self.attempts += 1
        self.names.add(username[:64])
        caller = None if isinstance(key, UnusableKey) else caller_by_key(self._on, fingerprint_of(key), self.address)
        if caller is None or username != USER:
            return common.AUTH_FAILED
        self.caller = caller
        return common.AUTH_SUCCESSFUL

    # --- Channels -----------------------------------------------------------------------------------------------------
    def check_channel_request(self, kind: str, chanid: int) -> int:
        self._adopt()
        if kind != "session":
            return common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return common.OPEN_SUCCEEDED if len(self._sessions) < CHANNELS else common.OPEN_FAILED_RESOURCE_SHORTAGE

    def check_channel_pty_request(
        self,
        channel: paramiko.Channel,
        term: bytes,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
        modes: bytes,
    ) -> bool:
        request = self._request(channel)
        request.is_tty, request.term = True, term.decode("ascii", "replace")
        request.columns, request.rows = _size(width, 80), _size(height, 24)
        return True

    def check_channel_window_change_request(
        self, channel: paramiko.Channel, width: int, height: int, pixelwidth: int, pixelheight: int
    ) -> bool:
        request = self._request(channel)
        request.columns, request.rows = _size(width, 80), _size(height, 24)
        request.resized(request.columns, request.rows)
        return True

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        try:
            key, text = name.decode("ascii"), value.decode("ascii")
        except UnicodeDecodeError:
            return False
        if not may_set(key, text):
            return False
        self._request(channel).environment[key] = text
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if len(command) > LONGEST_COMMAND:
            return False
        try:
            return self._begin(channel, command.decode("utf-8"))
        except UnicodeDecodeError:
            return False

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return self._begin(channel, None)

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        return False  # no sftp, and nothing else that paramiko would look up

    # --- For the sessions ---------------------------------------------------------------------------------------------
    def await_reply_sent(self) -> None:
        """Come back when the client has read our reply to its exec request.

        The reply goes out after `check_channel_exec_request` returned; a thread that answers and closes before that
        makes clients report "Channel closed". Replies to two global requests at once cannot be told apart: one by one.
        """
        with self._round_trip:
            self.transport.global_request("keepalive@openssh.com", wait=True)

    def forget(self, request: SessionRequest) -> None:
        self._sessions.pop(request.channel.get_id(), None)

    def _begin(self, channel: paramiko.Channel, command: str | None) -> bool:
        request = self._request(channel)
        if request.is_started:
            return False  # RFC 4254, 6.5: one of shell, exec and subsystem per channel
        request.is_started, request.command = True, command
        return self._start(self, request)

    def _request(self, channel: paramiko.Channel) -> SessionRequest:
        self._adopt()
        return self._sessions.setdefault(channel.get_id(), SessionRequest(channel))

    def _adopt(self) -> None:
        """Hold the channels that were opened: paramiko itself keeps weak references only. Let go of closed ones."""
        while (channel := self.transport.accept(0)) is not None:
            self._sessions[channel.get_id()] = SessionRequest(channel)
        for number, request in list(self._sessions.items()):
            if request.channel.closed and not request.is_started:
                del self._sessions[number]


def fingerprint_of(key: paramiko.PKey) -> str:
    """As `ssh-keygen -l` shows it: SHA256:..."""
    return "SHA256:" + b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def may_set(name: str, value: str) -> bool:
    """Variables a client may send along: GIT_PROTOCOL, LANG, LC_*."""
    if len(value) > LONGEST_VALUE:
        return False
    if name == "GIT_PROTOCOL":
        return _GIT_PROTOCOL.fullmatch(value) is not None
    is_language = name == "LANG" or re.fullmatch(r"LC_[A-Z]{1,20}", name, re.ASCII) is not None
    return is_language and _LANGUAGE.fullmatch(value) is not None


def tune(sock: socket.socket, keepalive: float) -> None:
    """Answers leave at once; a peer that vanished without a word is noticed."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(keepalive * 4 * 1000))


def _size(value: int, default: int) -> int:
    return value if 1 <= value <= 1000 else default
