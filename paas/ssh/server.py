"""Who is let in? Listen, count, watch the login's time, and give every session a thread.

One thread accepts and keeps the deadlines, one per connection speaks the protocol, one per running session works: all
of them within limits that the settings give. The worker's jobs do not depend on any of them.
"""

from __future__ import annotations

import contextlib
import errno
import resource
import selectors
import signal
import socket
import threading
from collections import OrderedDict

import paramiko
import structlog

from paas.context import SshPlatform
from paas.errors import UnavailableError
from paas.ssh.branches import BranchFollower
from paas.ssh.connection import CHANNELS, Connection, SessionRequest, tune
from paas.ssh.gate import Gate, GateLimits, Shares
from paas.ssh.hooks import HookServer
from paas.ssh.hostkeys import read_host_keys
from paas.ssh.receive import GitDoor
from paas.ssh.session import run_session
from paas.ssh.transport import DoorTransport, quiet_paramiko

BACKLOG = 128

log = structlog.get_logger(__name__)


class SshServer:
    """`start`, then `run` until `stop`, which may be called from another thread or a signal handler."""

    def __init__(self, on: SshPlatform) -> None:
        settings = on.settings
        self._on = on
        self._hooks = HookServer(settings.folder("run", "hook.sock"))
        self._branches = BranchFollower(on)
        self._git = GitDoor(on, self._hooks, self._branches)
        limits = GateLimits(settings.ssh_connection_limit, settings.ssh_pending_limit, settings.ssh_pending_per_address)
        self._gate = Gate(limits, on.clock.monotonic)
        most = settings.ssh_connection_limit
        self._sessions = Shares(most, each=max(CHANNELS, most // 4))
        self._connections = Shares(most, each=max(2, most // 2))
        self._lock = threading.Lock()
        self._pending: OrderedDict[Connection, float] = OrderedDict()  # until when; the grace is the same for all
        self._waker, self._woken = socket.socketpair()
        self._is_stopping = False
        self._keys: list[paramiko.PKey] = []
        self._listening: socket.socket | None = None

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1]) if self._listening else 0

    def start(self) -> None:
        """Bind and be ready. Raises UnavailableError (code `port-taken`)."""
        quiet_paramiko()
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a push holds some ten descriptors
        self._keys = read_host_keys(self._on.settings.folder("keys"))
        self._listening = listen(self._on.settings.bind, self._on.settings.ssh_port)
        self._hooks.start()
        self._branches.start()
        log.info("listening", address=self._on.settings.bind, port=self.port)

    def run(self) -> None:
        """Accept connections and end logins that take too long."""
        if self._listening is None:
            self.start()
        with selectors.DefaultSelector() as selector, self._socket() as listening:
            selector.register(listening, selectors.EVENT_READ, self._accept)
            selector.register(self._woken, selectors.EVENT_READ, lambda: None)
            while not self._is_stopping:
                for key, _ in selector.select(self._next_deadline()):
                    key.data()
                self._end_overdue()
        self._branches.stop()
        self._hooks.close()

    def stop(self) -> None:
        self._is_stopping = True
        with contextlib.suppress(BlockingIOError):  # it has been woken often enough
            self._waker.send(b"x")

    def stop_on(self, number: signal.Signals) -> None:
        """End `run` when this signal comes, be it in the moment before it waits: see signal.set_wakeup_fd."""
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(number, lambda *_: self.stop())

    def _socket(self) -> socket.socket:
        if self._listening is None:
            raise RuntimeError("not started")
        return self._listening

    def _accept(self) -> None:
        try:
            sock, peer = self._socket().accept()
        except OSError as error:  # out of descriptors, which calls for a moment's patience, or the client has left
            log.warning("accept", error=str(error))
            self._on.clock.sleep(0.05)
            return
        address = str(peer[0]).removeprefix("::ffff:")  # an IPv4 client at a socket for both families
        refusal = self._gate.enter(address)
        if refusal:
            log.info("refused", address=address, reason=refusal)
            with contextlib.suppress(OSError), sock:
                sock.setblocking(False)
                sock.send(f"{refusal}, try again later\r\n".encode())
            return
        self._open(sock, address)

    def _open(self, sock: socket.socket, address: str) -> None:
        """Begin to speak; from here on the connection's thread counts it out."""
        settings = self._on.settings
        connection = Connection(self._on, address, self._begin)
        transport = DoorTransport(sock, lambda: self._admitted(connection), lambda: self._ended(connection))
        connection.transport = transport
        transport.banner_timeout = settings.ssh_login_grace
        for key in self._keys:
            transport.add_server_key(key)
        with self._lock:
            self._pending[connection] = self._on.clock.monotonic() + settings.ssh_login_grace
        try:
            tune(sock, settings.ssh_keepalive)
            transport.start_server(event=threading.Event(), server=connection)
        except (OSError, RuntimeError) as error:  # gone already, or no more threads
            log.warning("connection", address=address, error=str(error))
            sock.close()
            self._ended(connection)

    def _admitted(self, connection: Connection) -> None:
        """In the transport's thread, after the login."""
        connection.transport.set_keepalive(int(self._on.settings.ssh_keepalive))
        with self._lock:
            self._pending.pop(connection, None)
        self._gate.admit(connection.address)
        if not self._connections.take(connection.user_id):
            log.warning("refused", address=connection.address, reason="too many connections of this user")
            connection.transport.close()
            return
        connection.holds_share = True

    def _ended(self, connection: Connection) -> None:
        """In the transport's thread, last."""
        with self._lock:
            was_pending = self._pending.pop(connection, None) is not None
        if connection.holds_share:
            self._connections.give_back(connection.user_id)
        if was_pending and connection.attempts:
            self._gate.fail(connection.address)
            log.info(
                "not-admitted", address=connection.address, names=sorted(connection.names), keys=connection.attempts
            )
        self._gate.leave(connection.address, was_pending=was_pending)

    def _begin(self, connection: Connection, request: SessionRequest) -> bool:
        """Give a session its thread; False when too many run."""
        if not self._sessions.take(connection.user_id):
            log.warning("refused", address=connection.address, reason="too many sessions")
            return False

        def work() -> None:
            try:
                run_session(self._on, self._git, connection, request)
            finally:
                self._sessions.give_back(connection.user_id)

        threading.Thread(target=work, name="session", daemon=True).start()
        return True

    def _next_deadline(self) -> float | None:
        with self._lock:
            first = next(iter(self._pending.values()), None)
        return None if first is None else max(0.0, first - self._on.clock.monotonic())

    def _end_overdue(self) -> None:
        now = self._on.clock.monotonic()
        with self._lock:
            overdue = [connection for connection, deadline in self._pending.items() if deadline <= now]
        for connection in overdue:
            log.info("login-grace", address=connection.address)
            connection.attempts += 1
            with contextlib.suppress(OSError):  # its thread does the rest: closing it here would wait for that thread
                connection.transport.sock.shutdown(socket.SHUT_RDWR)


def listen(address: str, port: int) -> socket.socket:
    """Raises UnavailableError (code `port-taken`) when somebody else listens there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=BACKLOG, dualstack_ipv6=address == "::")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UnavailableError(
                f"Port {port} is taken by another program", "set PAAS_SSH_PORT to a free one", code="port-taken"
            ) from None
        raise UnavailableError(f"Cannot listen on {address}:{port}: {error.strerror}", code="cannot-listen") from None
