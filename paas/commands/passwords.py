"""Is this the password? Argon2id, and one-time passwords that people can type."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from paas.errors import BadInputError

SHORTEST = 10
LONGEST = 1000
_HASHER = PasswordHasher()
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


def new_password() -> str:
    """Four groups of five characters: 98 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def hash_password(password: str) -> str:
    """Raises BadInputError (code `password`) for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInputError(f"A password has at least {SHORTEST} characters", code="password")
    return _HASHER.hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Takes as long for nobody's account as for somebody's."""
    try:
        return _HASHER.verify(password_hash or _nobodys(), password[:LONGEST]) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """Compared with when there is no such user. Made when first needed: it takes 64 MB for a moment."""
    return _HASHER.hash(secrets.token_hex(16))
