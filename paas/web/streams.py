"""How does a browser watch a build? Server-sent events whose ids are byte offsets, so that a reconnect resumes exactly.

Events: `log` (a chunk of whole lines as JSON text) and `end` (how it ended). Open streams are counted and capped below
the number of threads.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

from flask import Response, request

from paas.commands.builds import find_job
from paas.commands.follow import follow_chunks, outcome_of
from paas.commands.present import as_plain, harmless_log
from paas.context import Context
from paas.errors import UnavailableError
from paas.model import App

HEARTBEAT = 15.0

_count = threading.Lock()
_streams = 0


class StreamSlot:
    """One of the streams that may be open at once. Raises UnavailableError (code `streams-busy`) when all are taken."""

    def __init__(self, limit: int) -> None:
        global _streams
        with _count:
            if _streams >= limit:
                raise UnavailableError("Too many open streams", "close a tab, or try again", code="streams-busy")
            _streams += 1
        self._is_open = True

    def close(self) -> None:
        global _streams
        with _count:
            if self._is_open:
                self._is_open = False
                _streams -= 1


def event(kind: str, data: object, event_id: int | None = None) -> str:
    """One server-sent event (HTML Living Standard, 9.2)."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def build_stream(ctx: Context, app: App, build: str) -> Response:
    """The log of a build from the byte that `Last-Event-ID` (or ?offset=) names, until the build ends."""
    with ctx.on.database.read() as session:
        job = find_job(session, app, build)
    named = request.headers.get("Last-Event-ID") or request.args.get("offset") or "0"
    offset = int(named) if named.isascii() and named.isdigit() and len(named) < 16 else 0
    slot = StreamSlot(ctx.on.settings.stream_limit)
    response = Response(_events(ctx, job.id, offset), mimetype="text/event-stream")
    response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.call_on_close(slot.close)
    return response


def _events(ctx: Context, job_id: int, offset: int) -> Iterator[str]:
    yield "retry: 1000\n\n"
    rest = b""
    for after, chunk in follow_chunks(ctx.on, job_id, offset, HEARTBEAT):
        if not chunk:
            yield ": still there\n\n"
            continue
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            lines = [harmless_log(line.decode("utf-8", "replace")) for line in whole.split(b"\n")]
            yield event("log", lines, after - len(rest))
    yield event("end", as_plain(outcome_of(ctx.on, job_id)))
