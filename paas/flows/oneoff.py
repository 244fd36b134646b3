"""How does a one-off command run in an app's image? Through a terminal that somebody watches, or detached.

A detached one does not hold the app's lock: its job ends once it was started, and its output comes into the job's log
when it has ended (see retire.py). One-offs get no traffic, no PORT, and an address from Docker's part of the network.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import replace

from paas.context import WorkerPlatform
from paas.errors import AppNotFoundError, BadInputError, ConflictError, NotFoundError, PaasError
from paas.flows.containers import Mould, mould_of, oneoff_spec, shell_of, start_container, stop_timeout_of
from paas.flows.findings import app_of, current_release_of, order_of
from paas.flows.network import ensure_network
from paas.flows.rollout import for_each
from paas.flows.say import JobLog
from paas.flows.variables import open_snapshot
from paas.flows.work import Work
from paas.model import App, Job, Release
from paas.model.process import processes_of
from paas.model.release import release_by_version
from paas.ports import Container, Terminal
from paas.rules.config import Variable, check_config, check_key, check_value
from paas.rules.differences import ENDED_STATES
from paas.rules.jobs import ConsoleOrder, RunDetached, StopRuns
from paas.rules.names import TYPE_RUN, display_name, run_name, run_number, task_container_name
from paas.rules.secret import Redactor, Secret

ENDED_MARK = "Ended with exit code"


def run_detached(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    order = order_of(work, RunDetached)
    release = current_release_of(on, work)
    name = task_container_name(release.app_id, TYPE_RUN, work.job.id)
    found = on.runtime.find(name)
    if found is None or found.state == "created":
        ensure_network(on, release.app_id)
        mould = _add_variables(on, mould_of(on, app_of(on, work), release), order.variables)
        start_container(on, oneoff_spec(on, mould, name, order.command, job_id=work.job.id), None)
    work.keep(container=name)
    say.header(f"Started {' '.join(order.command)[:200]}: what it prints follows here when it has ended")


def stop_runs(on: WorkerPlatform, work: Work, say: JobLog) -> None:
    """SIGTERM, then SIGKILL. What a detached one has printed is kept by the next pass of retire.py."""
    order, app = order_of(work, StopRuns), app_of(on, work)
    found = [it for it in on.runtime.containers(app.id) if it.process_type == TYPE_RUN and it.state not in ENDED_STATES]
    wanted = [it for it in found if not order.numbers or run_number(it.name) in order.numbers]
    with work.step("retire"):
        for_each(wanted, lambda it: on.runtime.stop(it.name, stop_timeout_of(on, app)))
    for container in wanted:
        say.header(f"Stopped {run_name(app.name, run_number(container.name) or 0)}")


def _add_variables(on: WorkerPlatform, mould: Mould, sealed: str) -> Mould:
    """The variables of `run --env` over the app's."""
    return replace(mould, config=check_config({**mould.config, **_open_variables(on, sealed)}))


def _open_variables(on: WorkerPlatform, sealed: str) -> dict[str, Variable]:
    """Looked at again, because a door sealed them. Raises BadInputError."""
    if not sealed:
        return {}
    try:
        values = dict(json.loads(on.vault.open(base64.b64decode(sealed))))
    except (ValueError, TypeError):
        raise BadInputError("The variables of this command are broken", code="bad-job") from None
    return {key: Variable(Secret(check_value(check_key(key), str(value)))) for key, value in values.items()}


def end_detached(on: WorkerPlatform, container: Container) -> None:
    """Keep what an ended one printed, and remove it. May run twice."""
    log = f"jobs/{container.job_id}.log"
    if not any(ENDED_MARK in line for line in on.logs.tail(log, 1)):
        redact = redactor_of(on, container)
        lines = on.runtime.log_lines(container.name)
        writer = on.logs.writer(log)
        try:
            for line in lines:
                writer.write(redact(line.text))
            writer.write(f"{ENDED_MARK} {container.exit_code}")
        finally:
            lines.close()
            writer.close()
    on.runtime.remove(container.name)


def redactor_of(on: WorkerPlatform, container: Container) -> Redactor:
    """Takes the values of its release's variables, and of its own, out of what it printed."""
    with on.database.read() as session:
        release = release_by_version(session, container.app_id, container.release)
        job = session.get(Job, container.job_id) if container.job_id else None
    config = open_snapshot(on, release) if release else {}
    own = _open_variables(on, str(job.payload.get("variables", ""))) if job else {}
    return Redactor(variable.value.reveal() for variable in [*config.values(), *own.values()])


# --- Watched ----------------------------------------------------------------------------------------------------------
def open_terminal(on: WorkerPlatform, app: App, order: ConsoleOrder) -> Terminal:
    """`run`: a new container, which goes when the terminal closes. `enter`: a command in a copy that runs."""
    release = _release_of(on, app)
    mould = _add_variables(on, mould_of(on, app, release), order.variables)
    if order.kind == "enter":
        return on.runtime.execute(_find_copy(on, app, order.process), order.command or shell_of(mould), tty=order.tty)
    ensure_network(on, app.id)
    name = task_container_name(app.id, TYPE_RUN, 10**9 + secrets.randbelow(10**9))  # above any job's number
    on.runtime.create(oneoff_spec(on, mould, name, order.command, tty=order.tty))
    try:
        return on.runtime.attach(name, tty=order.tty)
    except PaasError:
        on.runtime.remove(name)
        raise


def _release_of(on: WorkerPlatform, app: App) -> Release:
    with on.database.read() as session:
        row = session.get(App, app.id)
        release = session.get(Release, row.current_release_id) if row and row.current_release_id else None
    if row is None or row.is_destroying:
        raise AppNotFoundError(app.name)
    if release is None:
        raise ConflictError(f"{app.name} was never deployed", "git push paas main", code="never-deployed")
    return release


def _find_copy(on: WorkerPlatform, app: App, process: str) -> str:
    """The container of `web.1`, of the first `web`, or of the first copy. Raises NotFoundError (code `not-running`)."""
    with on.database.read() as session:
        rows = processes_of(session, app.id, "live")
    for row in rows:
        if process in ("", row.process_type, display_name(row.process_type, row.copy)):
            return row.container
    raise NotFoundError(f"{process or app.name} does not run", f"ps:report {app.name}", code="not-running")
