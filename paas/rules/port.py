"""On which port does the web process listen?

5000, or the image's one exposed TCP port; of several the lowest, and that is said. A user's PORT wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paas.errors import BadInputError

DEFAULT_PORT = 5000


@dataclass(frozen=True)
class PortChoice:
    """`reason`: behind the number, for the log."""

    number: int
    reason: str


def choose_port(wanted: str | None, exposed: Sequence[int]) -> PortChoice:
    """wanted: the user's PORT; exposed: the image's TCP ports. Raises BadInputError (code `port`)."""
    if wanted is not None:
        return PortChoice(check_port(wanted), "from PORT")
    if not exposed:
        return PortChoice(DEFAULT_PORT, "the default")
    lowest = min(exposed)
    if len(exposed) == 1:
        return PortChoice(lowest, "exposed by the image")
    several = ", ".join(str(port) for port in sorted(exposed))
    return PortChoice(lowest, f"the lowest of {several}, which the image exposes; set PORT for another")


def check_port(text: str) -> int:
    """The port that `text` names. Raises BadInputError (code `port`)."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise BadInputError(f"PORT is {text[:20]!a}", "set it to a number from 1 to 65535, or unset it", code="port")
    return int(text)
