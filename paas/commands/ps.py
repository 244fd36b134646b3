"""ps:* - the processes of an app: how many, in which state, and starting them anew."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from paas.commands import present
from paas.commands.declare import Help, command
from paas.commands.limits import store_seconds
from paas.commands.processes import ProcessView, current_formation, last_lines, process_views, running_word
from paas.commands.queue import enqueue, request
from paas.commands.reports import Flag, Report, report, show_reports
from paas.commands.results import Done, JobStarted, Text
from paas.commands.words import AnyApp, ProcessType, TheApp
from paas.context import Context
from paas.errors import BadInputError, ConflictError, NotFoundError
from paas.model import App, Formation, Session
from paas.rules.formation import MOST_COPIES, check_copies
from paas.rules.jobs import Rebuild, Restart, Scale, Start, Stop
from paas.rules.limits import STOP_TIMEOUT
from paas.rules.names import RESERVED_PROCESS_TYPES, check_process_type

RESTART_POLICIES = ("always", "unless-stopped")  # what is done here, in Docker's words: ps:stop lasts, a crash does not


@dataclass(frozen=True)
class ScaleLine:
    process: str
    quantity: int


def _show_scale(result: Any) -> str:
    if not isinstance(result, list):
        return present.as_text(result)
    rows = [f"{line.process}: {line.quantity}" for line in result]
    return "\n".join(["proctype: qty", "--------: ---", *rows])


@command(
    "ps:scale", allow="operate", api="PATCH /apps/{app}/scale", show=_show_scale, heading="-----> Scaling for {app}"
)
def scale(
    ctx: Context,
    app: TheApp,
    *pairs: str,
    skip_deploy: Annotated[bool, Help("only remember it: the next deploy or restart takes it")] = False,
) -> list[ScaleLine] | JobStarted | Done:
    """Set how many copies of each process run; without pairs: show them.

    $ ssh paas@host ps:scale blog web=2 worker=1
    """
    if not pairs:
        with ctx.on.database.read() as session:
            return [ScaleLine(name, count) for name, count in current_formation(session, app).items()]
    counts = dict(_read_pair(pair) for pair in pairs)
    with ctx.on.database.write() as session:  # two who scale at once are counted together
        fresh = session.get(App, app.id) or app
        wanted = current_formation(session, fresh)
        _want_known(fresh, wanted, tuple(counts))
        check_copies({**wanted, **counts})
        if fresh.current_release_id is None or skip_deploy:
            for name, count in counts.items():
                session.merge(Formation(app_id=app.id, process_type=name, quantity=count))
            return Done(f"Scaled {app.name}; it counts from the next deploy on")
        job = enqueue(session, ctx, fresh, Scale(counts=counts))
    ctx.on.worker.ring()
    return JobStarted(job.id, f"Scaling {app.name}: {' '.join(f'{key}={count}' for key, count in counts.items())}")


def _want_known(app: App, known: Iterable[str], asked: tuple[str, ...]) -> None:
    """Before the first deploy any name may be scaled: nobody knows the processes yet."""
    for name in asked:
        if app.current_release_id is not None and name not in known:
            hint = f"its processes: {', '.join(known)}"
            raise NotFoundError(f"{app.name} has no process {name}", hint, code="process-unknown")


def _read_pair(pair: str) -> tuple[str, int]:
    name, _, number = pair.partition("=")
    check_process_type(name)
    if name in RESERVED_PROCESS_TYPES:
        raise BadInputError(
            f"{name} is no process that keeps running", "run it: run APP COMMAND", code="process-unknown"
        )
    if not (number.isascii() and number.isdigit() and len(number) <= 3 and int(number) <= MOST_COPIES):
        raise BadInputError(
            f"{pair[:40]!a} is no scale", f"write {name}=N with N from 0 to {MOST_COPIES}", code="scale"
        )
    return name, int(number)


@command("ps:restart", allow="operate", api="POST /apps/{app}/restart", takes_all=True)
def restart(ctx: Context, app: TheApp, *processes: ProcessType) -> JobStarted:
    """Start all copies (or those of some processes) anew, without a failed request.

    $ ssh paas@host ps:restart blog web
    """
    _want_release(ctx, app, processes)
    return JobStarted(request(ctx, app, Restart(process_types=processes)).id, f"Restarting {app.name}")


@command("ps:stop", allow="operate", api="POST /apps/{app}/stop", takes_all=True)
def stop(ctx: Context, app: TheApp) -> JobStarted:
    """Stop an app; its visitors see a page that says so.

    $ ssh paas@host ps:stop blog
    """
    return JobStarted(request(ctx, app, Stop()).id, f"Stopping {app.name}")


@command("ps:start", allow="operate", api="POST /apps/{app}/start", takes_all=True)
def start(ctx: Context, app: TheApp) -> JobStarted:
    """Start a stopped app.

    $ ssh paas@host ps:start blog
    """
    _want_release(ctx, app)
    return JobStarted(request(ctx, app, Start()).id, f"Starting {app.name}")


@command("ps:rebuild", allow="deploy", api="POST /apps/{app}/rebuild", takes_all=True)
def rebuild(
    ctx: Context, app: TheApp, *, no_cache: Annotated[bool, Help("build every step again")] = False
) -> JobStarted:
    """Build the deployed source again and release it.

    $ ssh paas@host ps:rebuild blog
    """
    _want_release(ctx, app)
    return JobStarted(request(ctx, app, Rebuild(no_cache=no_cache)).id, f"Rebuilding {app.name}")


def _want_release(ctx: Context, app: App, processes: tuple[str, ...] = ()) -> None:
    if app.current_release_id is None:
        raise ConflictError(f"{app.name} was never deployed", "git push paas main", code="no-release")
    with ctx.on.database.read() as session:
        known = current_formation(session, app)
    _want_known(app, known, processes)


def _show_list(views: list[ProcessView]) -> str:
    names = ("name", "state", "release", "container", "since", "restarts", "exit_code")
    rows = [[getattr(view, name) for name in names] for view in views]
    crashed = [view for view in views if view.last_lines]
    quoted = [f"\n{view.name} said before it ended:\n  " + "\n  ".join(view.last_lines) for view in crashed]
    return "\n".join([present.table([name.replace("_", " ") for name in names], rows), *quoted])


@command("ps:list", allow="view", api="GET /apps/{app}/processes", aliases=("ps",), show=_show_list)
def list_(ctx: Context, app: TheApp) -> list[ProcessView]:
    """List the copies of an app's processes; of crashed ones also what they said last.

    $ ssh paas@host ps blog
    """
    with ctx.on.database.read() as session:
        views = process_views(session, app)
    return [
        replace(view, last_lines=last_lines(ctx.on, app, view.name)) if view.state == "Crashed" else view
        for view in views
    ]


@command("ps:inspect", allow="operate", api="GET /apps/{app}/inspect")
def inspect(ctx: Context, app: TheApp) -> Text:
    """Print what Docker says of the app's containers, without the values of their variables.

    $ ssh paas@host ps:inspect blog
    """
    answer = ctx.on.worker.ask("inspect", app_id=app.id)
    return Text(json.dumps(answer.get("containers", []), indent=2, ensure_ascii=False))


@command("ps:set", allow="operate", api="PUT /apps/{app}/ps/{key}")
def set_(ctx: Context, app: TheApp, key: str, value: str = "") -> Done:
    """Set stop-timeout-seconds, the time from SIGTERM to SIGKILL; without a value the installation's is back.

    $ ssh paas@host ps:set blog stop-timeout-seconds 60
    """
    if key == "restart-policy":
        if value and value not in RESTART_POLICIES:
            hint = "its processes are started again unless it is stopped: ps:stop, ps:scale"
            known = " and ".join(RESTART_POLICIES)
            raise BadInputError(f"Restart policies other than {known} are not kept", hint, code="property")
        return Done("The restart policy is unless-stopped, for every app")
    if key not in ("stop-timeout-seconds", "stop-timeout"):
        known = "stop-timeout-seconds, restart-policy"
        raise BadInputError(f"{key[:40]!a} is no ps property", f"known: {known}", code="property")
    store_seconds(ctx, app, STOP_TIMEOUT, value)
    return Done(f"Setting {key} to {value}" if value else f"Unsetting {key}")


def _facts(session: Session, app: App) -> dict[str, Any]:
    views = process_views(session, app)
    facts: dict[str, Any] = {
        "deployed": app.current_release_id is not None,
        "processes": len(views),
        "ps-can-scale": True,
        "ps-restart-policy": "unless-stopped",
        "ps-stop-timeout-seconds": app.process_settings.get(STOP_TIMEOUT, ""),
        "restore": True,
        "running": running_word(app, views),
    }
    for name, count in current_formation(session, app).items():
        facts[f"scale-{name}"] = count
    for view in views:
        facts[f"status-{view.name.replace('.', '-')}"] = f"{view.state.lower()} ({view.container})"
    return facts


@command("ps:report", allow="view", api="GET /ps-reports", show=show_reports)
def report_(ctx: Context, app: AnyApp = None, flag: Flag = "") -> list[Report] | Text:
    """Show the processes of one app or of all.

    $ ssh paas@host ps:report blog --running
    """
    return report(ctx, app, flag, "ps", _facts)
