"""Is this text an SSH key that can sign in here? Reads one line of an authorized_keys or .pub file (RFC 4253, 6.6)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from paas.errors import BadInputError

KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
SMALLEST_RSA = 2048
LONGEST = 10_000


@dataclass(frozen=True)
class PublicKey:
    kind: str
    blob: str  # base64
    comment: str
    fingerprint: str  # SHA256:..., as ssh-keygen -l prints it


def read_public_key(text: str) -> PublicKey:
    """Raises BadInputError (code `ssh-key`) that says what is wrong and what to do."""
    lines = [line.strip() for line in text[: LONGEST + 1].splitlines() if line.strip() and not line.startswith("#")]
    if len(text) > LONGEST or len(lines) != 1:
        raise _refusal("One public key in one line is wanted", "cat ~/.ssh/id_ed25519.pub")
    if "PRIVATE KEY" in text:
        raise _refusal("This is a private key: keep it to yourself", "add the file that ends in .pub")
    kind, _, rest = lines[0].partition(" ")
    blob, _, comment = rest.strip().partition(" ")
    if kind.startswith("sk-"):
        raise _refusal("Keys on security tokens (sk-...) are not supported yet", "ssh-keygen -t ed25519")
    if kind not in KINDS:
        raise _refusal(
            f"{kind[:40]!a} is no kind of key that is taken", f"one of {', '.join(KINDS)}: ssh-keygen -t ed25519"
        )
    try:
        raw = base64.b64decode(blob, validate=True)
        fields = _fields(raw)
    except (binascii.Error, ValueError, struct.error):
        raise _refusal("This key is damaged", "copy the whole line of the .pub file") from None
    if not fields or fields[0] != kind.encode():
        raise _refusal("This key is damaged", "copy the whole line of the .pub file")
    if kind == "ssh-rsa" and (len(fields) != 3 or len(fields[2].lstrip(b"\0")) * 8 < SMALLEST_RSA):
        raise _refusal(f"RSA keys below {SMALLEST_RSA} bits are too weak", "ssh-keygen -t ed25519")
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return PublicKey(kind, blob, comment.strip()[:200], f"SHA256:{digest}")


def _fields(raw: bytes) -> list[bytes]:
    """The length-prefixed fields of a key blob."""
    fields, position = [], 0
    while position < len(raw):
        (length,) = struct.unpack(">I", raw[position : position + 4])
        field = raw[position + 4 : position + 4 + length]
        if len(field) != length:
            raise ValueError("field is cut off")
        fields.append(field)
        position += 4 + length
    return fields


def _refusal(message: str, hint: str) -> BadInputError:
    return BadInputError(message, hint, code="ssh-key")
