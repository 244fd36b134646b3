"""run, run:* and enter - commands in an app's own image, and in its running copies."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from paas.commands import present
from paas.commands.config import read_pair
from paas.commands.declare import Help, Short, command
from paas.commands.queue import request
from paas.commands.results import InteractiveSession, JobStarted
from paas.commands.words import TheApp
from paas.context import Context
from paas.errors import BadInputError, ConflictError, NotFoundError
from paas.model import App, Job, select
from paas.model.process import processes_of
from paas.rules.jobs import ConsoleOrder, RunDetached, StopRuns
from paas.rules.names import TYPE_RUN, display_name, run_name, run_number

LONGEST_COMMAND = 100_000
Env = Annotated[tuple[str, ...], Short("e"), Help("KEY=VALUE for this command alone; as often as needed")]
_COPY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[0-9]{1,3})?", re.ASCII)


def _check_words(app: App, words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise BadInputError("What shall run?", f"run {app.name} COMMAND", code="command")
    if any("\0" in word for word in words) or sum(map(len, words)) > LONGEST_COMMAND:
        raise BadInputError("This command cannot be passed on", "put long input on stdin", code="command")
    return words


def _seal(ctx: Context, pairs: tuple[str, ...]) -> str:
    """The variables of `--env` as an order carries them. Raises BadInputError as config:set does."""
    if not pairs:
        return ""
    values = dict(read_pair(pair) for pair in pairs)
    return base64.b64encode(ctx.on.vault.seal(json.dumps(values))).decode()


def _want_release(app: App) -> None:
    if app.current_release_id is None:
        raise ConflictError(f"{app.name} was never deployed", "git push paas main", code="no-release")


@command("run", allow="operate", api="POST /apps/{app}/run", passes_words=True)
def run(
    ctx: Context,
    app: TheApp,
    *words: str,
    env: Env = (),
    no_tty: Annotated[bool, Help("without a terminal, also with ssh -t")] = False,
    detach: Annotated[bool, Help("do not wait for it: run:detached")] = False,
) -> InteractiveSession | JobStarted:
    """Run a command in a new container of the current release; its exit code is yours.

    With `ssh -t` it has a terminal; without one, stdin and stdout are passed as they are. The name of a process in the
    Procfile stands for its line there. Options stand before the app.

    $ ssh -t paas@host run blog python manage.py shell
    $ ssh paas@host run -e DEBUG=1 blog python manage.py check
    """
    if detach:
        return _start(ctx, app, words, env)
    _want_release(app)
    order = ConsoleOrder(kind="run", command=_check_words(app, words), variables=_seal(ctx, env))
    return InteractiveSession(app.id, order, wants_terminal=not no_tty)


@command("run:detached", allow="operate", api="POST /apps/{app}/run-detached", passes_words=True)
def detached(
    ctx: Context,
    app: TheApp,
    *words: str,
    env: Env = (),
    no_tty: Annotated[bool, Help("as ever: a detached command has no terminal")] = False,
) -> JobStarted:
    """Run a command in a new container and do not wait for it; prints its name.

    What it has printed is in builds:output when it has ended.

    $ ssh paas@host run:detached blog python manage.py reindex
    """
    return _start(ctx, app, words, env)


def _start(ctx: Context, app: App, words: tuple[str, ...], env: tuple[str, ...]) -> JobStarted:
    _want_release(app)
    job = request(ctx, app, RunDetached(command=_check_words(app, words), variables=_seal(ctx, env)))
    said = f"Running {words[0]} as build {job.id}: builds:output {app.name} {job.id}"
    return JobStarted(job.id, said, is_followed=False, answer=run_name(app.name, job.id))


@dataclass(frozen=True)
class RunView:
    name: str
    state: str
    command: str  # "" for a watched one: nobody wrote it down
    created_at: str


def _show_runs(runs: list[RunView]) -> str:
    rows = [(each.name, each.command, each.created_at) for each in runs]
    return present.table(("names", "command", "created"), rows)


@command(
    "run:list", allow="operate", api="GET /apps/{app}/runs", show=_show_runs, heading="=====> {app} run containers"
)
def list_(ctx: Context, app: TheApp) -> list[RunView]:
    """List the commands that run in containers of their own.

    $ ssh paas@host run:list blog
    """
    found: Any = ctx.on.worker.ask("inspect", app_id=app.id).get("containers", [])
    containers = {number: it for it in found if (number := run_number(it["name"])) is not None}
    with ctx.on.database.read() as session:
        jobs = session.scalars(select(Job).where(Job.app_id == app.id, Job.kind == "run", Job.id.in_(containers)))
        commands = {job.id: " ".join(job.payload["command"]) for job in jobs}
    return [
        RunView(run_name(app.name, number), it["state"], commands.get(number, ""), str(it["started_at"] or ""))
        for number, it in sorted(containers.items())
    ]


@command("run:stop", allow="operate", api="POST /apps/{app}/runs/stop")
def stop(
    ctx: Context, app: TheApp, *, container: Annotated[str, Help("one command, as run:list names it: blog.run.17")] = ""
) -> JobStarted:
    """Stop the commands that run in containers of their own, or one of them.

    $ ssh paas@host run:stop blog --container blog.run.17
    """
    number = container.removeprefix(f"{app.name}.{TYPE_RUN}.")
    if container and not (number.isascii() and number.isdigit() and len(number) < 18):
        raise NotFoundError(f"{container[:60]!a} is no command of {app.name}", f"run:list {app.name}", code="run")
    job = request(ctx, app, StopRuns(numbers=(int(number),) if container else ()))
    return JobStarted(job.id, f"Stopping {container or f'all that was run in {app.name}'}")


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
