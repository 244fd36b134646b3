"""What do several ports take? Ways to say a line and to ask for a wish to cancel."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]  # takes one line of text, without its newline
IsCancelled = Callable[[], bool]
