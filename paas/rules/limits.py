"""How much may an app set for itself, over the installation's defaults? Sizes and times, as they are typed and kept.

They are kept in the app's row by name. What a row says is looked at again when it is read: a broken door may have
written it, and one app's row must not keep nginx from serving the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from paas.errors import BadInputError

UPLOAD_LIMIT, STOP_TIMEOUT, DRAIN_TIMEOUT = "upload-limit", "stop-timeout", "drain-timeout"
MOST = {
    UPLOAD_LIMIT: 10 * 1024**3,  # bytes: nginx keeps a body on disk until the app has read it
    STOP_TIMEOUT: 600,  # seconds: the worker waits for it
    DRAIN_TIMEOUT: 3600,  # seconds: then the old nginx workers end, too (worker_shutdown_timeout)
}
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}  # nginx.org/en/docs/syntax.html

_SIZE = re.compile(r"([0-9]{1,12})([kmg]?)", re.ASCII | re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes of `50m`, as nginx writes sizes. Raises BadInputError (code `size`)."""
    match = _SIZE.fullmatch(text)
    size = int(match[1]) * _UNITS[match[2].lower()] if match else 0
    if not 0 < size <= MOST[UPLOAD_LIMIT]:
        most = show_size(MOST[UPLOAD_LIMIT])
        raise BadInputError(f"{text[:40]!a} is no size", f"write 500k, 50m or 1g, at most {most}", code="size")
    return size


def show_size(size: int) -> str:
    """`50m`: the largest unit in which it is a whole number."""
    unit = max((unit for unit, factor in _UNITS.items() if size % factor == 0), key=_UNITS.__getitem__)
    return f"{size // _UNITS[unit]}{unit}"


def parse_seconds(name: str, text: str) -> int:
    """Seconds for the time-out `name`. Raises BadInputError (code `seconds`)."""
    if not _SECONDS.fullmatch(text) or int(text) > MOST[name]:
        hint = f"write a whole number from 0 to {MOST[name]}"
        raise BadInputError(f"{text[:40]!a} is no number of seconds for this", hint, code="seconds")
    return int(text)


def limit_of(kept: Mapping[str, Any], name: str, default: float) -> float:
    """What the app has set for `name`; the default when it has not, or when its row says nonsense."""
    value = kept.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return value if 0 <= value <= MOST[name] else default
