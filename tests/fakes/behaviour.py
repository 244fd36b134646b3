"""What does a container of the fake do once it is started?"""

from __future__ import annotations

from dataclasses import dataclass

from paas.ports import HttpAnswer


@dataclass(frozen=True)
class Behaviour:
    """The default: keeps running, listens, answers 200, ends at once on SIGTERM with 143.

    exit_code: None keeps running, a number ends it `exits_after` seconds (of the runtime's clock) after its start.
    """

    exit_code: int | None = None
    exits_after: float = 0.0
    oom_killed: bool = False
    output: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    listens: bool = True
    answer: HttpAnswer = HttpAnswer(200, "ok")  # noqa: RUF009 - frozen
    refuses_to_start: str = ""  # what Docker says, e.g. "exec: no such file"
    ignores_sigterm: bool = False
    echoes: bool = False  # a terminal on it behaves like cat
