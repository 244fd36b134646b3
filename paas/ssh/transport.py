"""How do we speak SSH with somebody we do not know yet? Strong algorithms only, small packets, key after key.

Subclasses of paramiko's parts, at the seams that it offers or that we found in 5.1: `packetizer_class`, the tables of
algorithms, and the handler of authentication.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import MSG_CHANNEL_DATA
from paramiko.kex_curve25519 import KexCurve25519
from paramiko.message import Message
from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException

PACKET_BEFORE_LOGIN = 35_000  # what RFC 4253, 6.1 asks every implementation to take
PACKET_AFTER_LOGIN = 256 * 1024 + 4096  # OpenSSH sends no larger ones
LONGEST_BANNER = 8_192
WINDOW = 4 * 1024 * 1024
CHANNEL_PACKET = 64 * 1024

STRONG_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
STRONG_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
STRONG_KEX = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
)


class CappedPacketizer(Packetizer):
    """Refuses a packet by its announced length, before its bytes are awaited (else one client forces 300 MB on us).

    Acknowledges at once: until it has logged in, OpenSSH's client sends its small packets one acknowledgement at a time
    (Nagle), and the kernel's delayed ones cost a login 40 to 80 ms. Linux forgets TCP_QUICKACK, hence every time.
    """

    longest = PACKET_BEFORE_LOGIN
    _banner = 0
    _skips = False

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._sock = sock

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > self.longest:
            raise SSHException(f"a packet of {n} bytes is too large")
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().read_all(n, check_rekey)

    def read_message(self) -> tuple[int, Message]:
        if self._skips:
            self._skips = False
            super().read_message()
        return super().read_message()

    def skip_next(self) -> None:
        self._skips = True

    def start_handshake(self, timeout: float) -> None:
        """No timer of its own (a thread for every connection): the server keeps the login grace."""

    def _read_timeout(self, timeout: float) -> bytes:
        read: bytes = super()._read_timeout(timeout)  # type: ignore[misc]  # not in the stubs
        self._banner += len(read)
        if self._banner > LONGEST_BANNER:
            raise SSHException("the version line does not end")
        return read


class UnusableKey(paramiko.PKey):
    """Stands for a key of a kind that we do not take (sk-, certificates, DSA) or that is mangled."""


class KeyByKey(AuthHandler):
    """A key that we cannot read is one that we do not know: the client goes on with its next. paramiko hangs up."""

    def _generate_key_from_request(self, algorithm: str, keyblob: bytes) -> paramiko.PKey:
        if algorithm not in self.transport.preferred_pubkeys:
            return UnusableKey()
        try:
            return super()._generate_key_from_request(algorithm, keyblob)  # type: ignore[misc,no-any-return]
        except Exception:  # whatever a stranger's bytes do to the parsers
            return UnusableKey()


def _feed_within_window(channel: Any, message: Message) -> None:
    """paramiko grants a window and does not look whether the client keeps to it."""
    if len(channel.in_buffer) > 2 * WINDOW:
        raise SSHException("the client sent more than it was allowed to")
    channel._feed(message)


_TABLES: Any = paramiko.Transport  # its tables of algorithms and handlers are not in the stubs
_KEX = {**_TABLES._kex_info, "curve25519-sha256": KexCurve25519}


class DoorTransport(paramiko.Transport):
    """One connection's protocol, in a thread of its own, which calls `admitted` after the login and `ended` last."""

    _preferred_ciphers = STRONG_CIPHERS
    _preferred_macs = STRONG_MACS
    _kex_info = _KEX
    _preferred_kex = tuple(name for name in STRONG_KEX if name in _KEX)
    _channel_handler_table = {**_TABLES._channel_handler_table, MSG_CHANNEL_DATA: _feed_within_window}  # noqa: RUF012

    def __init__(self, sock: socket.socket, admitted: Callable[[], None], ended: Callable[[], None]) -> None:
        super().__init__(sock, WINDOW, CHANNEL_PACKET, packetizer_class=CappedPacketizer)
        self.local_version = "SSH-2.0-paas"
        self._admitted, self._ended = admitted, ended

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._ended()

    def _really_parse_kex_init(self, m: Message, ignore_first_byte: bool = False) -> dict[str, Any]:
        """A client may guess the key exchange and begin it at once; a wrong guess is passed over (RFC 4253, 7).

        Dropbear's does so every time, and paramiko took its guess for the real thing. Also asked for our own list.
        """
        parsed: dict[str, Any] = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        if parsed["kex_follows"] and isinstance(self.packetizer, CappedPacketizer):
            ours: dict[str, Any] = self._get_latest_kex_init()  # type: ignore[attr-defined]
            if any(parsed[names][:1] != ours[names][:1] for names in ("kex_algo_list", "server_key_algo_list")):
                self.packetizer.skip_next()
        return parsed

    def _parse_newkeys(self, m: Message) -> None:
        if self.auth_handler is None:
            self.auth_handler = KeyByKey(self)
        super()._parse_newkeys(m)  # type: ignore[misc]

    def _auth_trigger(self) -> None:
        """The client has logged in: larger packets may come."""
        if isinstance(self.packetizer, CappedPacketizer):
            self.packetizer.longest = PACKET_AFTER_LOGIN
        super()._auth_trigger()  # type: ignore[misc]
        self._admitted()


def quiet_paramiko() -> None:
    """paramiko logs a traceback for whatever strangers send; the door writes one line per session itself."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
