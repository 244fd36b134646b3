"""How does one watch a build? Server-sent events whose ids are byte offsets, so that a reconnect resumes exactly.

Events: `log` (whole lines; its id is the offset behind them), `progress` (state and phases, whenever they change),
`end` (how it ended), and before it `gone` when the reader may no longer see the app. Open streams are counted and
capped below the number of threads.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, current_app, request

from paas.commands.builds import BuildView
from paas.commands.call import call
from paas.commands.follow import follow_chunks, outcome_of
from paas.commands.present import as_plain, harmless_log
from paas.context import Context
from paas.errors import PaasError, UnavailableError

LOOK_AGAIN = 1.0  # seconds of silence after which the phases are looked at
HEARTBEAT = 15.0  # seconds of silence after which a comment is sent: the connection lives, or its end is noticed


class Slots:
    """The streams that may be open at once: each holds a thread of the web process."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    def take(self) -> Callable[[], None]:
        """What gives it back. Raises UnavailableError (code `streams-busy`) when all are taken."""
        if not self._free.acquire(blocking=False):
            raise UnavailableError("Too many open streams", "close a tab, or try again", code="streams-busy")
        return self._free.release


def event(kind: str, data: object, event_id: int | None = None) -> str:
    """One server-sent event (HTML Living Standard, 9.2)."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def build_stream(ctx: Context, app: str, build: str, show: Callable[[str], Any] = harmless_log) -> Response:
    """The log of a build from the byte that `Last-Event-ID` (or ?offset=) names, until the build ends.

    show: what stands in the event for one line.
    """
    view = call("builds:info", ctx, {"app": app, "build": build})
    named = request.headers.get("Last-Event-ID") or request.args.get("offset") or "0"
    offset = int(named) if named.isascii() and named.isdigit() and len(named) < 16 else 0
    words = {"app": app, "build": str(view.id)}
    return stream(_events(ctx, view.id, offset, show, lambda: call("builds:info", ctx, words)), "text/event-stream")


def stream(texts: Iterator[str], kind: str) -> Response:
    """An answer that goes on: passed on at once, and counted. Raises UnavailableError (code `streams-busy`)."""
    slots: Slots = current_app.extensions["slots"]
    give_back = slots.take()
    response = Response(texts, mimetype=kind, headers={"X-Accel-Buffering": "no"})
    response.call_on_close(give_back)
    return response


def _events(
    ctx: Context, job_id: int, offset: int, show: Callable[[str], Any], look: Callable[[], BuildView]
) -> Iterator[str]:
    yield "retry: 1000\n\n"
    try:
        yield from _log(ctx, job_id, offset, show, look)
        yield event("progress", progress(look()))
    except PaasError as error:  # the app was destroyed, or the reader's rights were taken away meanwhile
        yield event("gone", error.as_dict())
    yield event("end", as_plain(outcome_of(ctx.on, job_id)))


def _log(
    ctx: Context, job_id: int, offset: int, show: Callable[[str], Any], look: Callable[[], BuildView]
) -> Iterator[str]:
    rest, said, spoke_at = b"", "", time.monotonic()
    for after, chunk in follow_chunks(ctx.on, job_id, offset, LOOK_AGAIN):
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        now = event("progress", progress(look()))
        if now != said:
            yield now
            said, spoke_at = now, time.monotonic()
        if newline:
            lines = [show(line.decode("utf-8", "replace")) for line in whole.split(b"\n")]
            yield event("log", lines, after - len(rest))
            spoke_at = time.monotonic()
        elif time.monotonic() - spoke_at > HEARTBEAT:
            yield ": still there\n\n"
            spoke_at = time.monotonic()
    if rest:  # a killed writer leaves half a line
        yield event("log", [show(rest.decode("utf-8", "replace"))])


def progress(view: BuildView) -> dict[str, Any]:
    """State and phases of a build."""
    return {"state": view.state, "steps": [as_plain(step) for step in view.steps]}
