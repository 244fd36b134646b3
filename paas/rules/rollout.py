"""Which copies are to run, which of them must be started, and which go?

A plan carries the whole that is wanted, not only the difference: a plan of differences, run twice, routes to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from paas.rules.names import container_name, display_name


@dataclass(frozen=True)
class Copy:
    """One copy of a process, started by a numbered rollout."""

    container: str
    process_type: str
    copy: int
    rollout: int

    @property
    def name(self) -> str:
        """What people call it: `web.1`."""
        return display_name(self.process_type, self.copy)


@dataclass(frozen=True)
class Rollout:
    """`wanted`: all that is to run afterwards, kept ones included; `start`: those of it that are new."""

    number: int
    wanted: tuple[Copy, ...]
    start: tuple[Copy, ...]
    retire: tuple[Copy, ...]


def plan_rollout(
    app_id: str, number: int, formation: Mapping[str, int], running: Sequence[Copy], renew: Collection[str]
) -> Rollout:
    """Plan rollout `number`.

    formation: wanted copies per process. running: what serves now. renew: containers of it that must not stay (all of
    them for a new release, none to scale, the lost ones to repair).
    """
    stay = {(copy.process_type, copy.copy): copy for copy in running if copy.container not in renew}
    wanted: list[Copy] = []
    start: list[Copy] = []
    for process_type, copies in formation.items():
        for index in range(1, copies + 1):
            copy = stay.get((process_type, index))
            if copy is None:
                copy = Copy(container_name(app_id, process_type, index, number), process_type, index, number)
                start.append(copy)
            wanted.append(copy)
    kept = {copy.container for copy in wanted}
    return Rollout(number, tuple(wanted), tuple(start), tuple(it for it in running if it.container not in kept))
