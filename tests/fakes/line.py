"""The worker's socket without a worker: rings are counted, answers are given beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from paas.errors import UnavailableError
from paas.ports import ConsoleLine


class FakeLine:
    def __init__(self) -> None:
        self.rings = 0
        self.answers: dict[str, Mapping[str, object]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.consoles: dict[str, ConsoleLine] = {}

    def ring(self) -> None:
        self.rings += 1

    def ask(self, question: str, timeout: float = 10.0, **words: str) -> dict[str, object]:
        self.asked.append((question, words))
        if question not in self.answers:
            raise UnavailableError("The worker does not answer", "paas status")
        return dict(self.answers[question])

    def open_console(self, ticket: str) -> ConsoleLine:
        if ticket not in self.consoles:
            raise UnavailableError("The worker does not answer", "paas status")
        return self.consoles.pop(ticket)
