"""How is a half-done flow taken back? Newest deed first; what cannot be taken back now is the reconciler's to find."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import ParamSpec

import structlog

P = ParamSpec("P")
log = structlog.get_logger(__name__)


class Undo(ExitStack):
    """`with Undo() as undo:` - a deed's undo is registered on the line before the deed."""

    def by(self, deed: Callable[P, object], *facts: P.args, **named: P.kwargs) -> None:
        """When the flow fails: do this."""

        def attempt() -> None:
            try:
                deed(*facts, **named)
            except Exception as error:  # why the flow failed must reach the reader, not why an undo did
                log.warning("undo", deed=deed.__name__, error=str(error))

        self.callback(attempt)
