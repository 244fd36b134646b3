"""How are secrets kept at rest? AES-256-GCM under the configuration key, which lies in a file outside the database.

Sealed form: one version byte, 12 bytes of nonce, ciphertext with tag (NIST SP 800-38D).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from paas.errors import UnavailableError

VERSION = b"\x01"
NONCE_LENGTH = 12
KEY_LENGTH = 32


def make_key(path: Path) -> None:
    """Write a new configuration key (64 hex digits, mode 0640) unless there is one. The caller sets the owner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    except FileExistsError:
        return
    with os.fdopen(file, "w") as key:
        key.write(secrets.token_hex(KEY_LENGTH) + "\n")


class FileVault:
    """The port `Vault`; reads `keys/config.key` when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = b""
        self._signing_key = b""

    def seal(self, text: str) -> bytes:
        nonce = os.urandom(NONCE_LENGTH)
        return VERSION + nonce + AESGCM(self._read()).encrypt(nonce, text.encode(), VERSION)

    def open(self, sealed: bytes) -> str:
        version, nonce, rest = sealed[:1], sealed[1 : 1 + NONCE_LENGTH], sealed[1 + NONCE_LENGTH :]
        try:
            if version != VERSION or len(nonce) != NONCE_LENGTH:
                raise InvalidTag
            return AESGCM(self._read()).decrypt(nonce, rest, VERSION).decode()
        except InvalidTag:
            raise UnavailableError(
                "A stored secret does not open with this configuration key",
                f"put back the {self._path.name} that belongs to this database",
                code="config-key",
            ) from None

    def sign(self, text: str) -> str:
        if not self._signing_key:
            derived = HKDF(algorithm=SHA256(), length=KEY_LENGTH, salt=None, info=b"paas signatures")
            self._signing_key = derived.derive(self._read())
        return hmac.new(self._signing_key, text.encode(), hashlib.sha256).hexdigest()

    def _read(self) -> bytes:
        if not self._key:
            try:
                self._key = bytes.fromhex(self._path.read_text().strip())
            except (OSError, ValueError):
                self._key = b""
            if len(self._key) != KEY_LENGTH:
                self._key = b""
                raise UnavailableError(
                    f"Cannot read the configuration key {self._path}", "paas doctor", code="config-key"
                )
        return self._key
