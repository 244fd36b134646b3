"""Seals by turning text round: nothing is kept secret, but what was not sealed does not open."""

from __future__ import annotations

import hashlib

from paas.errors import UnavailableError

MARK = b"sealed:"


class FakeVault:
    def seal(self, text: str) -> bytes:
        return MARK + text[::-1].encode()

    def open(self, sealed: bytes) -> str:
        if not sealed.startswith(MARK):
            raise UnavailableError("The configuration key does not fit")
        return sealed[len(MARK) :].decode()[::-1]

    def sign(self, text: str) -> str:
        return hashlib.sha256(b"fake key" + text.encode()).hexdigest()
