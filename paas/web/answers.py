"""How does a command's result become an HTTP answer? JSON records, 202 for jobs, text streams, errors in one shape."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

from flask import Response, request, url_for

from paas.commands import present
from paas.commands.follow import app_of_job
from paas.commands.results import Done, Exists, InteractiveSession, JobStarted, LineStream, Text
from paas.context import Context
from paas.errors import PaasError
from paas.web.oneoff import run_to_the_end
from paas.web.streams import stream


def json_answer(value: Any, status: int = 200) -> Response:
    body = json.dumps(value, ensure_ascii=False) + "\n"
    return Response(body, status, mimetype="application/json")


def error_answer(error: PaasError) -> Response:
    """`{code, message, hint}` with the error's own status."""
    answer = json_answer(error.as_dict(), error.http_status)
    if error.http_status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def answer(result: Any, ctx: Context, method: str) -> Response:
    """The answer for one result (see commands/results.py)."""
    if isinstance(result, JobStarted):
        return _job_answer(result, ctx)
    if isinstance(result, LineStream):
        return text_stream(result)
    if isinstance(result, InteractiveSession):
        return json_answer(run_to_the_end(ctx, result))
    if isinstance(result, Exists):
        return json_answer({"exists": result.answer})
    if isinstance(result, Text):
        return json_answer({"text": result.text})
    if isinstance(result, Done):
        return json_answer({"message": result.message, "build": result.job_id}, 201 if method == "POST" else 200)
    return json_answer(present.as_plain(result))


def _job_answer(started: JobStarted, ctx: Context) -> Response:
    """202, and where to look: a change of the whole platform has no app, and no place of its own."""
    body: dict[str, Any] = {"message": started.message, "build": started.job_id, "url": None, "stream": None}
    app = app_of_job(ctx.on, started.job_id)
    if app is not None:
        body["url"] = url_for("api.builds:info", app=app, build=started.job_id)
        body["stream"] = url_for("api.stream", app=app, build=started.job_id)
    made = json_answer(body, 202)
    if app is not None:
        made.headers["Location"] = body["url"]
    return made


def text_stream(found: LineStream) -> Response:
    """Lines as they come, until their reader is gone."""
    return stream(_text(found, request.environ.get("gunicorn.socket")), "text/plain")


def _text(found: LineStream, connection: socket.socket | None) -> Iterator[str]:
    for line in found.lines:
        if line is not None:
            yield line + "\n"
        elif connection is not None and _is_closed(connection):  # silence says nothing that could fail
            return


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
