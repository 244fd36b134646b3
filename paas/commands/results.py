"""What can a command answer? A record, a list of records, text lines, a job, or an interactive session.

Records are frozen dataclasses; every door renders them (SSH as text, the API as JSON) and none words anything itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from paas.rules.jobs import ConsoleOrder


@dataclass(frozen=True)
class JobStarted:
    """A job was queued: SSH follows its log and exits as it ends, the API answers 202."""

    job_id: int
    message: str = ""
    is_followed: bool = True  # False: nobody is made to wait (run:detached)
    answer: str = ""  # what a script reads on stdout; the message goes to stderr then


@dataclass(frozen=True)
class Done:
    """It is done; one line for people."""

    message: str
    job_id: int | None = None  # follow-up work that nobody must wait for


@dataclass(frozen=True)
class Text:
    """Plain text that is the answer itself (a config value, an export): printed as it is."""

    text: str
    ends_line: bool = True


@dataclass(frozen=True)
class Exists:
    """The answer of `...:exists` and `...:locked`: exit code 0 or 1."""

    answer: bool
    message: str = ""


@dataclass(frozen=True)
class LineStream:
    """Lines as they come (logs, a followed build), without their newlines; None about once a second of silence, so that
    the door can see whether its client is still there."""

    lines: Iterator[str | None]


@dataclass(frozen=True)
class InteractiveSession:
    """The door spends a ticket for this order and bridges the caller's terminal to the container."""

    app_id: str
    order: ConsoleOrder
    wants_terminal: bool = True  # where the caller has one


Result = JobStarted | Done | Text | Exists | LineStream | InteractiveSession | Any
