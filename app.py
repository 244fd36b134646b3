"""The composition root: the only file that chooses adapters. `app` is for gunicorn, `main` the `paas` console script.

Each process imports only what it is made of: the web process never loads the Docker SDK, the worker never loads Flask.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paas.context import Context, Platform, SshPlatform, WorkerPlatform
from paas.errors import PaasError, UnavailableError
from paas.settings import Settings, read_settings

if TYPE_CHECKING:
    from flask import Flask

    from paas.adapters.buildkit import BuildKit
    from paas.adapters.doctor import Doctor
    from paas.adapters.migration import Store
    from paas.rules.doctor import Finding

DOCTOR_TIMEOUT = 60.0  # it starts a container
ROOT = Path(__file__).resolve().parent


# --- What each process is made of -------------------------------------------------------------------------------------
def _common(settings: Settings) -> dict[str, Any]:
    from paas.adapters.installation import read_installation_id
    from paas.adapters.logfiles import LogFiles
    from paas.adapters.system import FileFaults, SystemClock
    from paas.adapters.vault import FileVault
    from paas.adapters.workerline import SocketWorkerLine
    from paas.model import Database

    return {
        "settings": settings,
        "installation": read_installation_id(settings),
        "database": Database(settings.url),
        "clock": SystemClock(),
        "vault": FileVault(settings.folder("keys", "config.key")),
        "logs": LogFiles(settings.folder("logs"), settings.log_file_limit, settings.log_files_kept),
        "worker": SocketWorkerLine(settings.folder("run", "worker.sock")),
        "faults": FileFaults(settings.faults),
    }


def _repositories(settings: Settings) -> Any:
    from paas.adapters.git import GitRepositories

    return GitRepositories(
        settings.folder("repositories"), ROOT / "deploy" / "git", settings.ssh_user, settings.push_limit
    )


def door_platform(settings: Settings) -> Platform:
    """What the web process and the local console have."""
    return Platform(**_common(settings))


def ssh_platform(settings: Settings) -> SshPlatform:
    """What the SSH server has: the repositories beside the rest."""
    return SshPlatform(**_common(settings), repositories=_repositories(settings))


def worker_platform(settings: Settings) -> WorkerPlatform:
    """What the worker has: everything."""
    from paas.adapters.docker import DockerRuntime
    from paas.adapters.firewall import IptablesFirewall
    from paas.adapters.nginx import Nginx
    from paas.adapters.prober import SocketProber
    from paas.adapters.sources import TarSources
    from paas.adapters.templates import BuildpackFolders
    from paas.worker.followlogs import ContainerLogs
    from paas.worker.logsecrets import secrets_of

    common = _common(settings)
    runtime = DockerRuntime(settings.docker_host, common["installation"])
    return WorkerPlatform(
        **common,
        repositories=_repositories(settings),
        sources=TarSources(settings),
        runtime=runtime,
        builder=_builder(settings),
        templates=BuildpackFolders(ROOT / "buildpacks"),
        proxy=Nginx(settings),
        prober=SocketProber("https" if settings.is_https else "http"),
        firewall=IptablesFirewall(common["installation"], settings.network_pool),
        log_keeper=ContainerLogs(
            runtime, common["logs"], common["clock"], secrets_of(common["database"], common["vault"])
        ),
    )


def _builder(settings: Settings) -> BuildKit:
    from paas.adapters.buildkit import BuildKit
    from paas.adapters.docker_engine import Engine
    from paas.adapters.installation import read_installation_id

    return BuildKit(
        settings, Engine(settings.docker_host, read_installation_id(settings)), ROOT / "deploy" / "base-images"
    )


def doctor_of(on: WorkerPlatform) -> Doctor:
    """Who examines the machine, and knows the apps from the database."""
    from paas.adapters.docker_engine import Engine
    from paas.adapters.doctor import Doctor, list_base_images
    from paas.model import App, select

    def known_apps() -> list[str]:
        with on.database.read() as session:
            return list(session.scalars(select(App.id)))

    engine = Engine(on.settings.docker_host, on.installation)
    return Doctor(
        on.settings, on.runtime, on.builder, on.proxy, on.firewall, known_apps, lambda: list_base_images(engine)
    )


def create_web() -> Flask:
    """The dashboard and the API."""
    from paas.adapters.jsonlog import log_as_json
    from paas.web import create_app

    log_as_json()
    return create_app(door_platform(read_settings()))


def __getattr__(name: str) -> Any:
    """`app:app` for gunicorn, made when it is asked for: the console script needs no Flask."""
    if name == "app":
        return create_web()
    raise AttributeError(name)


# --- The processes ----------------------------------------------------------------------------------------------------
def _run_web(settings: Settings) -> None:
    """Be gunicorn, as the user that the supervisor chose."""
    from gunicorn.app.wsgiapp import run

    os.chdir(ROOT)
    sys.argv = ["gunicorn", "-c", str(ROOT / "deploy" / "gunicorn.conf.py"), "app:app"]
    run()


def _run_ssh(settings: Settings) -> None:
    from paas.ssh.server import SshServer

    server = SshServer(ssh_platform(settings))
    server.stop_on(signal.SIGTERM)
    server.run()


def _run_worker(settings: Settings) -> None:
    from paas.worker import serve

    platform = worker_platform(settings)
    serve(platform, {"doctor": lambda words: {"checks": [asdict(found) for found in doctor_of(platform).examine()]}})


def _run_nginx(settings: Settings) -> None:
    from paas.adapters.nginx import Nginx

    Nginx(settings).start()


CHILDREN: dict[str, Callable[[Settings], None]] = {
    "web": _run_web,
    "ssh": _run_ssh,
    "worker": _run_worker,
    "nginx": _run_nginx,
}


def _child(settings: Settings, name: str) -> None:
    """Run one process of the platform; the supervisor calls this."""
    from paas.adapters.jsonlog import log_as_json

    os.umask(0o007)
    log_as_json()
    CHILDREN[name](settings)


def _nursery() -> None:
    """Load what web, ssh and worker have in common, and fork them for the supervisor: they share its memory."""
    import paas.adapters.logfiles
    import paas.adapters.templates  # jinja2, for the worker and the pages
    import paas.adapters.vault
    import paas.adapters.workerline
    import paas.commands.catalog
    import paas.ssh.server  # noqa: F401 - paramiko, which the Docker SDK loads, too
    from paas.adapters.nursery import serve
    from paas.model import Base, Database

    Base.registry.configure()
    Database(read_settings().url).close()  # its dialect and driver; nothing is connected
    serve(lambda name: _child(read_settings(), name))


# --- The local commands -----------------------------------------------------------------------------------------------
def _up(settings: Settings, flags: dict[str, str]) -> None:
    from paas.adapters.lifecycle import up, want_set_up

    want_set_up(settings)
    _want_current_database(settings)
    up(settings, detach="--detach" in flags)


def _down(settings: Settings, flags: dict[str, str]) -> None:
    from paas.adapters.lifecycle import down, stop_supervisor

    stopped = stop_supervisor(settings) if "--keep-nginx" in flags else down(settings)
    print("-----> paas is down" if stopped else "-----> paas was not up")


def _restart(settings: Settings, flags: dict[str, str]) -> None:
    from paas.adapters.lifecycle import restart

    restart(settings)


def _wait(settings: Settings, flags: dict[str, str]) -> None:
    from paas.adapters.lifecycle import wait_until_ready

    wait_until_ready(settings)


def _plan(settings: Settings, flags: dict[str, str]) -> None:
    from paas.adapters.lifecycle import make_plan

    _want_current_database(settings)
    print(json.dumps(make_plan(settings, ROOT).to_json()))


def _setup(settings: Settings, flags: dict[str, str]) -> None:
    from paas.adapters.installation import set_up

    for line in set_up(settings):
        print(f"       {line}")


def _migrate(settings: Settings, flags: dict[str, str]) -> None:
    from paas.adapters import migration

    store, folder = _database_store(settings), settings.folder("backups")
    now, wanted = _revisions(settings)
    if "--back" in flags:
        lines = migration.go_back(store, folder)
    elif now == wanted:
        lines = ["database is up to date"]
    elif now is None:
        lines = migration.begin(lambda: _upgrade(settings.url))
    elif "--try" in flags:
        lines = migration.rehearse(store)
    else:
        lines = migration.migrate(store, folder, lambda: _upgrade(settings.url))
    for line in lines:
        print(f"       {line}")


def _upgrade(url: str) -> str:
    from paas.model import Database, migrate

    with closing(Database(url)) as database:
        return migrate.migrate(database)


def _database_store(settings: Settings) -> Store:
    """How this installation's kind of database is copied."""
    from paas.adapters.installation import sqlite_file
    from paas.adapters.pgdump import PgDump, program_folders
    from paas.adapters.sqlitefile import SqliteFile
    from paas.model import Database

    path = sqlite_file(settings)
    return SqliteFile(path, _upgrade) if path else PgDump(Database(settings.url).libpq, program_folders())


def _revisions(settings: Settings) -> tuple[str | None, str]:
    """(the form that the database has, None before the first migration; the form that this release expects)."""
    from paas.model import Database, migrate

    with closing(Database(settings.url)) as database:
        return migrate.revision(database), migrate.newest()


def _want_current_database(settings: Settings) -> None:
    now, wanted = _revisions(settings)
    if now != wanted:
        raise UnavailableError("The database has not this release's form", "paas migrate", code="not-migrated")


def _status(settings: Settings, flags: dict[str, str]) -> int:
    from paas.adapters.processes import status
    from paas.adapters.terminal import LocalTerminal
    from paas.commands.machine import show_processes

    lines = status(settings)
    LocalTerminal().write(show_processes(lines, flags.get("--format", "text")) + "\n")
    return 0 if all(line.state == "running" for line in lines) else 1


def _doctor(settings: Settings, flags: dict[str, str]) -> int:
    from paas.adapters.terminal import LocalTerminal
    from paas.commands.machine import show_findings
    from paas.rules.doctor import worst

    findings = _findings(settings)
    LocalTerminal().write(show_findings(findings, flags.get("--format", "text")) + "\n")
    return 1 if worst(findings) == "fail" else 0


def _findings(settings: Settings) -> list[Finding]:
    """The worker's, who knows what it told the firewall; while it is down, our own and that it is down."""
    from paas.adapters.workerline import SocketWorkerLine
    from paas.rules.doctor import Finding, judge_worker

    try:
        answer = SocketWorkerLine(settings.folder("run", "worker.sock")).ask("doctor", DOCTOR_TIMEOUT)
    except UnavailableError as error:
        return [judge_worker(error.message), *doctor_of(worker_platform(settings)).examine()]
    return [judge_worker(""), *(Finding(**check) for check in answer["checks"])]  # type: ignore[attr-defined]


def _base(settings: Settings, flags: dict[str, str]) -> None:
    """Python's default version, which the bundled example needs; with --all every one that buildpacks can ask for."""
    from paas.adapters.templates import BuildpackFolders
    from paas.rules.bases import default_bases

    builder, packs = _builder(settings), BuildpackFolders(ROOT / "buildpacks").buildpacks()
    for definition in packs.values() if "--all" in flags else [packs["python"]]:
        for name in default_bases(definition, builder.base_origin()):
            print(builder.base(name, lambda line: print(f"       {line}", file=sys.stderr)).reference)


def _teardown(settings: Settings, flags: dict[str, str]) -> None:
    """Before the program goes."""
    from paas.adapters.lifecycle import down
    from paas.flows.teardown import teardown

    down(settings)
    teardown(worker_platform(settings), purge="--purge" in flags)


LOCAL: dict[str, Callable[[Settings, dict[str, str]], int | None]] = {
    "up": _up,
    "down": _down,
    "restart": _restart,
    "wait": _wait,
    "plan": _plan,
    "setup": _setup,
    "migrate": _migrate,
    "status": _status,
    "doctor": _doctor,
    "base": _base,
    "teardown": _teardown,
}


def _ask(settings: Settings, words: list[str]) -> int:
    """A declared command, asked by root at the machine's own terminal."""
    from paas.adapters.terminal import LocalTerminal
    from paas.commands.callers import local_root
    from paas.commands.console import run

    if os.geteuid() != 0:
        raise UnavailableError(
            "paas needs root at this machine", "sudo paas ..., or ssh paas@host ...", code="not-root"
        )
    return run(words, Context(door_platform(settings), local_root()), LocalTerminal())


def _refuse(error: PaasError) -> int:
    from paas.adapters.terminal import LocalTerminal

    hint = f" !     {error.hint}\n" if error.hint else ""
    LocalTerminal().write_error(f" !     {error.message}  [{error.code}]\n{hint}")
    return error.exit_code


def _is_database_down(error: Exception) -> bool:
    from paas.model import OperationalError

    return isinstance(error, OperationalError)


def main() -> int:
    """`paas ...`: the life of the installation, and every declared command."""
    from paas.commands import local

    words = sys.argv[1:]
    try:
        if words[:1] == ["nursery"]:
            _nursery()
            return 0
        settings = read_settings()
        if words[:1] == ["child"]:
            _child(settings, words[1])
            return 0
        command = local.LOCAL.get(words[0]) if words else None
        if command is None:
            return _ask(settings, words)
        code = LOCAL[command.name](settings, local.read_flags(command, words[1:])) or 0
        sys.stdout.flush()  # here: at the interpreter's end nobody catches what it raises
        return code
    except PaasError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `paas logs blog | head`: docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if not _is_database_down(error):
            raise
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        hint = "is it up, and is its disk full? PAAS_DATABASE_URL says which it is"
        return _refuse(UnavailableError(f"The database does not answer: {reason}", hint, code="database-down"))


if __name__ == "__main__":
    sys.exit(main())
