"""run, run:detached and enter - commands in an app's own image, and in its running copies."""

from __future__ import annotations

import re
from typing import Annotated

from paas.commands.declare import Help, command
from paas.commands.queue import request
from paas.commands.results import InteractiveSession, JobStarted
from paas.commands.words import TheApp
from paas.context import Context
from paas.errors import BadInputError, ConflictError, NotFoundError
from paas.model import App
from paas.model.process import processes_of
from paas.rules.jobs import ConsoleOrder, RunDetached
from paas.rules.names import display_name

LONGEST_COMMAND = 100_000
_COPY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[0-9]{1,3})?", re.ASCII)


def _check_words(app: App, words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise BadInputError("What shall run?", f"run {app.name} COMMAND", code="command")
    if any("\0" in word for word in words) or sum(map(len, words)) > LONGEST_COMMAND:
        raise BadInputError("This command cannot be passed on", "put long input on stdin", code="command")
    return words


def _want_release(app: App) -> None:
    if app.current_release_id is None:
        raise ConflictError(f"{app.name} was never deployed", "git push paas main", code="no-release")


@command("run", allow="operate", api="POST /apps/{app}/run", passes_words=True)
def run(
    ctx: Context, app: TheApp, *words: str, detach: Annotated[bool, Help("do not wait for it: run:detached")] = False
) -> InteractiveSession | JobStarted:
    """Run a command in a new container of the current release; its exit code is yours.

    With `ssh -t` it has a terminal; without one, stdin and stdout are passed as they are.

    $ ssh -t paas@host run blog python manage.py shell
    """
    if detach:
        return _start(ctx, app, words)
    _want_release(app)
    return InteractiveSession(app.id, ConsoleOrder(kind="run", command=_check_words(app, words)))


@command("run:detached", allow="operate", api="POST /apps/{app}/run-detached", passes_words=True)
def detached(ctx: Context, app: TheApp, *words: str) -> JobStarted:
    """Run a command in a new container and do not wait for it; builds:output shows what it prints.

    $ ssh paas@host run:detached blog python manage.py reindex
    """
    return _start(ctx, app, words)


def _start(ctx: Context, app: App, words: tuple[str, ...]) -> JobStarted:
    _want_release(app)
    job = request(ctx, app, RunDetached(command=_check_words(app, words)))
    return JobStarted(
        job.id, f"Running {words[0]} as build {job.id}: builds:output {app.name} {job.id}", is_followed=False
    )


@command("enter", allow="operate", api="POST /apps/{app}/enter", passes_words=True)
def enter(ctx: Context, app: TheApp, process: str = "web", *words: str) -> InteractiveSession:
    """Run a command (a shell, when none is given) in a running copy.

    $ ssh -t paas@host enter blog web.1
    """
    if not _COPY.fullmatch(process):
        raise BadInputError(f"{process[:40]!a} is no process", f"enter {app.name} web.1", code="process-unknown")
    _want_release(app)
    with ctx.on.database.read() as session:
        names = [display_name(row.process_type, row.copy) for row in processes_of(session, app.id, "live")]
    wanted = process if "." in process else f"{process}.1"
    if wanted not in names:
        hint = f"running: {', '.join(names)}" if names else f"ps:start {app.name}"
        raise NotFoundError(f"{app.name} runs no {wanted}", hint, code="process-unknown")
    return InteractiveSession(
        app.id, ConsoleOrder(kind="enter", process=wanted, command=_check_words(app, words) if words else ())
    )
