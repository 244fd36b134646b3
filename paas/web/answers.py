"""How does a command's result become an HTTP answer? JSON records, 202 for jobs, text streams, errors in one shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, url_for

from paas.commands import present
from paas.commands.results import Done, Exists, InteractiveSession, JobStarted, LineStream, Text
from paas.context import Context
from paas.errors import PaasError
from paas.web.oneoff import run_to_the_end


def json_answer(value: Any, status: int = 200) -> Response:
    """`application/json`, never cached: every answer of the API depends on who asks."""
    body = json.dumps(value, ensure_ascii=False) + "\n"
    return Response(body, status, mimetype="application/json", headers={"Cache-Control": "no-store"})


def error_answer(error: PaasError) -> Response:
    """`{code, message, hint}` with the error's own status."""
    answer = json_answer(error.as_dict(), error.http_status)
    if error.http_status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def answer(result: Any, ctx: Context, app: str | None, method: str) -> Response:
    """The answer for one result (see commands/results.py)."""
    if isinstance(result, JobStarted):
        return _job_answer(result, app)
    if isinstance(result, LineStream):
        return Response(_text(result), mimetype="text/plain", headers={"X-Accel-Buffering": "no"})
    if isinstance(result, InteractiveSession):
        return json_answer(run_to_the_end(ctx, result))
    if isinstance(result, Exists):
        return json_answer({"exists": result.answer})
    if isinstance(result, Text):
        return json_answer({"text": result.text})
    if isinstance(result, Done):
        return json_answer({"message": result.message, "build": result.job_id}, 201 if method == "POST" else 200)
    return json_answer(present.as_plain(result))


def _job_answer(started: JobStarted, app: str | None) -> Response:
    body: dict[str, Any] = {"message": started.message, "build": started.job_id}
    if app is None:
        return json_answer(body, 202)
    body["url"] = url_for("api.builds:info", app=app, build=started.job_id)
    body["stream"] = url_for("api.stream", app=app, build=started.job_id)
    made = json_answer(body, 202)
    made.headers["Location"] = body["url"]
    return made


def _text(stream: LineStream) -> Iterator[str]:
    """Silence is passed on as nothing: an ended client is noticed by the next line."""
    for line in stream.lines:
        if line is not None:
            yield line + "\n"
