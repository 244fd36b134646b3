"""May this caller do that? Roles, grants (view < deploy < operate < own) and the scopes of tokens."""

from __future__ import annotations

from typing import Literal

Level = Literal["view", "deploy", "operate", "own"]
LEVELS: tuple[Level, ...] = ("view", "deploy", "operate", "own")


def is_enough(granted: str | None, needed: Level) -> bool:
    """True when `granted` is at least `needed`; None is no grant."""
    return granted in LEVELS and LEVELS.index(granted) >= LEVELS.index(needed)


def scope_allows(scope: str, allow: str, changes: bool) -> bool:
    """What a token's scope lets through: `read` reads, `deploy` also changes what needs at most deploy, `full` all.

    What only those may read who operate an app (values of variables, the inside of containers) needs `full`.
    """
    if scope == "full":
        return True
    if not changes:
        return allow not in ("operate", "own", "admin")
    return scope == "deploy" and allow in ("view", "deploy")


def is_about_apps(allow: str, changes: bool) -> bool:
    """May a token for some apps call this? It makes no key, token, app or account: these reach further."""
    return allow in LEVELS or (allow == "self" and not changes)
