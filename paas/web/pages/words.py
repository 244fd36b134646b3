"""How do states, moments and durations read? One vocabulary on every page: always icon, word and colour."""

from __future__ import annotations

from datetime import UTC, datetime

ICONS = {
    "Running": "●", "Deploying": "◐", "Queued": "◌", "Unhealthy": "▲", "Crashed": "✕", "Stopped": "■",
    "Never deployed": "○", "Asleep": "☾", "Expired": "⌛",
    "succeeded": "●", "failed": "✕", "running": "◐", "queued": "◌", "cancelled": "■", "superseded": "○",
    "current": "●", "pending": "◐", "done": "✓",
}  # fmt: skip
TONES = {
    "Running": "good", "succeeded": "good", "current": "good", "done": "good",
    "Deploying": "busy", "running": "busy", "Queued": "busy", "queued": "busy", "pending": "busy",
    "Crashed": "bad", "failed": "bad", "Unhealthy": "warn", "cancelled": "warn",
}  # fmt: skip
WORDS = {
    "succeeded": "Succeeded", "failed": "Failed", "running": "Running", "queued": "Queued", "cancelled": "Cancelled",
    "current": "Current", "pending": "Deploying", "done": "Done",
    "superseded": "Superseded",
}  # fmt: skip
KINDS = {
    "deploy": "Deploy", "rebuild": "Rebuild", "rollback": "Rollback", "config": "Config change", "scale": "Scale",
    "restart": "Restart", "stop": "Stop", "start": "Start", "route": "Routes", "destroy": "Destroy", "run": "Run",
}  # fmt: skip
PHASES = {
    "receive": "Receive", "detect": "Detect", "build": "Build", "release": "Release", "start": "Start",
    "health": "Health check", "switch": "Switch traffic", "retire": "Retire old",
}  # fmt: skip
_AGES = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (86400 * 60, 86400, "d"))


def icon(word: str) -> str:
    return ICONS.get(word, "○")


def tone(word: str) -> str:
    return TONES.get(word, "idle")


def spoken(word: str) -> str:
    """`Failed` for `failed`: as a title shows it."""
    return WORDS.get(word, word)


def kind(word: str) -> str:
    return KINDS.get(word, word.replace("_", " ").replace("-", " ").capitalize())


def phase(word: str) -> str:
    return PHASES.get(word, word.replace("_", " ").replace("-", " ").capitalize())


def ago(moment: datetime | None, now: datetime) -> str:
    """`5 min ago`; the page shows the moment itself on hover."""
    if moment is None:
        return ""
    seconds = max(0.0, (now - moment.astimezone(UTC)).total_seconds())
    if seconds < 5:
        return "just now"
    for limit, unit, name in _AGES:
        if seconds < limit:
            return f"{int(seconds // unit)} {name} ago"
    return moment.strftime("%Y-%m-%d")


def lasting(start: datetime | None, end: datetime | None) -> str:
    """How long it took, in words; "" while it goes on."""
    return "" if start is None or end is None else spent(max(0.0, (end - start).total_seconds()))


def spent(seconds: float) -> str:
    """`0.8 s`, `12 s`, `3 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
