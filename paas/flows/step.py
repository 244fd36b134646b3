"""What is a step of a flow? A function that may run twice, between two named fail-points.

A test that kills the worker at every point loops over `POINTS`; in production they do nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from paas.context import WorkerPlatform
from paas.flows.work import Work

P = ParamSpec("P")
R = TypeVar("R")

# In the order of a deploy; `image` lies within `build`, `mark` within `switch`.
STEPS = (
    "turn", "receive", "detect", "build", "image", "cut", "release", "network", "plan", "start", "health", "switch",
    "mark", "current", "aftercare",
)  # fmt: skip
POINTS = tuple(f"deploy.{step}.{when}" for step in STEPS for when in ("before", "after"))


def step(
    name: str, phase: str | None = None
) -> Callable[[Callable[Concatenate[WorkerPlatform, Work, P], R]], Callable[Concatenate[WorkerPlatform, Work, P], R]]:
    """Mark a step. `phase`: the line of the job's timeline that it belongs to, if it has one of its own."""
    if name not in STEPS:
        raise ValueError(f"{name} is no step: add it to STEPS")

    def mark(
        deed: Callable[Concatenate[WorkerPlatform, Work, P], R],
    ) -> Callable[Concatenate[WorkerPlatform, Work, P], R]:
        @wraps(deed)
        def marked(on: WorkerPlatform, work: Work, /, *facts: P.args, **named: P.kwargs) -> R:
            on.faults.reach(f"deploy.{name}.before")
            with work.step(phase) if phase else nullcontext():
                done = deed(on, work, *facts, **named)
            on.faults.reach(f"deploy.{name}.after")
            return done

        return marked

    return mark
