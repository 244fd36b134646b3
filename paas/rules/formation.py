"""Which processes run, with how many copies?

Wanted counts (`ps:scale`) come first, then what app.json asks for, then Heroku's and Dokku's default: one web process,
none of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paas.errors import BadInputError

WEB = "web"
MOST_COPIES = 40  # of an app in all: its network has 94 addresses, and a swap needs each copy twice


def copies_of(process_type: str, wanted: Mapping[str, int], suggested: Mapping[str, int]) -> int:
    """wanted: from `ps:scale`; suggested: app.json's formation."""
    default = 1 if process_type == WEB else 0
    return wanted.get(process_type, suggested.get(process_type, default))


def formation_for(processes: Sequence[str], wanted: Mapping[str, int], suggested: Mapping[str, int]) -> dict[str, int]:
    """Copies for every process that the release has, in its order; counts of processes that it lacks are left out."""
    return {process_type: copies_of(process_type, wanted, suggested) for process_type in processes}


def check_copies(formation: Mapping[str, int]) -> None:
    """Raises BadInputError (code `scale`) when these are more copies than an app may have."""
    if sum(formation.values()) > MOST_COPIES:
        raise BadInputError(f"An app has at most {MOST_COPIES} copies in all", "ps:scale web=2 worker=1", code="scale")


def idle_processes(formation: Mapping[str, int]) -> list[str]:
    """Processes that the release has and nobody runs: worth a line in the log of a first deploy."""
    return [process_type for process_type, copies in formation.items() if copies == 0]
