"""Who are we? The host keys: ed25519, ecdsa and rsa, made once, readable by the SSH user only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_MAKE: dict[str, Callable[[], PrivateKey]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 3072),
}
_READ: dict[str, type[paramiko.PKey]] = {
    "ed25519": paramiko.Ed25519Key,
    "ecdsa": paramiko.ECDSAKey,
    "rsa": paramiko.RSAKey,
}


def host_key_path(folder: Path, kind: str) -> Path:
    return folder / f"ssh_host_{kind}_key"


def make_host_keys(folder: Path, owner: tuple[int, int] | None = None) -> None:
    """Make those that are missing in `keys/`, with their `.pub`. `owner`: uid and gid, when called as root."""
    for kind, make in _MAKE.items():
        path = host_key_path(folder, kind)
        if path.exists():
            continue
        key = make()
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" paas\n"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        _write(path.with_suffix(".pub"), public, 0o644, owner)
        _write(path, private, 0o600, owner)


def read_host_keys(folder: Path) -> list[paramiko.PKey]:
    """All three, made if missing."""
    make_host_keys(folder)
    return [read.from_private_key_file(str(host_key_path(folder, kind))) for kind, read in _READ.items()]


def _write(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None) -> None:
    """Whole or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        os.fchmod(descriptor, mode)
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
