"""What does the machine offer? Its clock, fail-points for tests, and secrets at rest."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The moment, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def sleep(self, seconds: float) -> None: ...


class Faults(Protocol):
    def reach(self, point: str) -> None:
        """Tests only: die here with -9 if this named fail-point is armed; else nothing."""


class Vault(Protocol):
    def seal(self, text: str) -> bytes:
        """Encrypt with the configuration key (outside the database)."""

    def open(self, sealed: bytes) -> str:
        """The text again. Raises UnavailableError when the key does not fit."""

    def sign(self, text: str) -> str:
        """HMAC-SHA-256 in hex under a key derived from the configuration key."""
