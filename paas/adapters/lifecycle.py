"""How is the platform started, stopped and restarted? What is behind `paas up`, `paas down` and `paas restart`.

`paas up` turns into the supervisor (adapters/supervisor.py), which knows only the plan that is made here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from paas.adapters.installation import sqlite_file
from paas.adapters.processes import read_state, supervisor_pid
from paas.adapters.supervisor import become, nginx_pid
from paas.errors import ConflictError, UnavailableError
from paas.rules.supervision import WELL_KNOWN_PORTS, ChildPlan, SupervisorPlan
from paas.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LOG_LIMIT = 10_000_000
PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "TZ", "http_proxy", "https_proxy", "no_proxy")  # besides PAAS_*
STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 45.0


def make_plan(settings: Settings, root: Path = ROOT) -> SupervisorPlan:
    """What the supervisor runs."""
    run = settings.folder("run")
    return SupervisorPlan(
        python=sys.executable,
        root=str(root),
        lock_file=str(run / "supervisor.lock"),
        state_file=str(run / "supervisor.json"),
        log_file=str(log_file(settings)),
        log_limit=LOG_LIMIT,
        sqlite=str(sqlite_file(settings) or ""),
        nursery_command=_paas(root, "nursery"),
        nginx_pid_file=str(settings.folder("nginx") / "nginx.pid"),
        nginx_command=_paas(root, "child", "nginx"),
        replan_command=_replan_command(settings, root),
        environment=tuple(sorted(_environment().items())),
        children=tuple(replace(child, longest_delay=settings.restart_delay) for child in _children(settings, root)),
    )


def _children(settings: Settings, root: Path) -> tuple[ChildPlan, ...]:
    """They start in this order and stop in the opposite one."""
    return (
        ChildPlan("worker", _paas(root, "child", "worker"), stop_timeout=15),
        ChildPlan(
            "ssh",
            _paas(root, "child", "ssh"),
            user=settings.ssh_user,
            groups=(settings.group,),
            may_bind_low_ports=settings.ssh_port < WELL_KNOWN_PORTS,
        ),
        ChildPlan(
            "web",
            _paas(root, "child", "web"),
            user=settings.web_user,
            group="www-data",  # the socket's group, so that nginx may connect
            groups=(settings.group,),
        ),
    )


def log_file(settings: Settings) -> Path:
    """Where a platform that was started in the background writes."""
    return settings.folder("logs") / "platform.log"


def _paas(root: Path, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-E", "-s", str(root / "app.py"), *words)


def _replan_command(settings: Settings, root: Path) -> tuple[str, ...]:
    """Ask the release that is installed now; a development tree is its own release."""
    installed = settings.prefix / "current" / "venv" / "bin" / "paas"
    return (str(installed), "plan") if root.is_relative_to(settings.prefix) else _paas(root, "plan")


def _environment() -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("PAAS_")}
    # One heap for all threads: the web process has 64 of them, and glibc would give each group its own (mallopt(3)).
    path = f"{os.environ.get('PATH', '')}:{STANDARD_PATH}".lstrip(":")  # `su` alone leaves out where iptables lies
    return {"PATH": path, "LANG": "C.UTF-8", "HOME": "/", "MALLOC_ARENA_MAX": "2", **passed}


def up(settings: Settings, *, detach: bool = False) -> None:
    """Become the supervisor; with `detach`, start it in the background and wait until everything answers.

    Raises ConflictError when the platform is up already or a port is taken, UnavailableError when it does not start.
    """
    want_set_up(settings)
    if pid := supervisor_pid(settings):
        raise ConflictError(
            f"paas is already up, pid {pid}", "paas status shows it, paas down stops it", code="already-up"
        )
    _want_free_ports(settings)
    plan = make_plan(settings)
    if not detach:
        become(plan)
    with log_file(settings).open("ab") as log:
        process = subprocess.Popen(
            [*_paas(ROOT, "up")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env=dict(plan.environment), cwd="/",
        )  # fmt: skip
    wait_until_ready(settings, process)


def want_set_up(settings: Settings) -> None:
    """Raises UnavailableError unless root asks and `paas setup` ran."""
    if os.geteuid() != 0:
        raise UnavailableError("paas up needs root", "sudo paas up", code="not-root")
    if not settings.folder("run").is_dir():
        raise UnavailableError(
            f"{settings.home} is not set up", "run deploy/quickstart, or: paas setup", code="not-set-up"
        )


def down(settings: Settings) -> bool:
    """Stop the supervisor with its children, then nginx. The apps' containers go on. False when nothing ran."""
    stopped = stop_supervisor(settings)
    pid = nginx_pid(settings.folder("nginx") / "nginx.pid")
    if pid is None:
        return stopped
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    _wait(lambda: not _is_alive(pid), "nginx does not end", f"kill -9 {pid}")
    return True


def stop_supervisor(settings: Settings) -> bool:
    """Stop web, ssh and worker; nginx and the apps go on. False when they were not up."""
    pid = supervisor_pid(settings)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    _wait(lambda: supervisor_pid(settings) is None, "the supervisor does not end", f"kill -9 {pid}")
    return True


def restart(settings: Settings) -> None:
    """Have the supervisor become the one of the installed release, with today's settings; nginx and the apps go on."""
    pid = supervisor_pid(settings)
    if pid is None:
        raise ConflictError("paas is not up", "paas up", code="not-up")
    before = read_state(settings).get("since")
    os.kill(pid, signal.SIGHUP)
    _wait(
        lambda: read_state(settings).get("since") != before,
        "the supervisor did not restart",
        f"its reason is in {log_file(settings)} or the journal",
    )
    wait_until_ready(settings)


def wait_until_ready(settings: Settings, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until every process answers. Raises UnavailableError that names the one which does not."""
    deadline = time.monotonic() + START_TIMEOUT
    missing = "the supervisor"
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise UnavailableError("paas did not start", f"read the end of {log_file(settings)}", code="not-started")
        waiting = [name for name, is_answering in _answers(settings) if not is_answering]
        if not waiting:
            return
        missing = waiting[0]
        time.sleep(0.05)
    raise UnavailableError(f"{missing} does not answer", f"read the end of {log_file(settings)}", code="not-started")


def _answers(settings: Settings) -> Iterator[tuple[str, bool]]:
    run = settings.folder("run")
    yield "the worker", _connects(socket.AF_UNIX, str(run / "worker.sock"))
    yield "the web process", _connects(socket.AF_UNIX, str(run / "web.sock"))
    address = settings.local_address
    yield "the SSH server", _connects(_family(address), (address, settings.ssh_port))
    yield "nginx", _connects(_family(address), (address, settings.http_port))


def _connects(family: socket.AddressFamily, address: Any) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as line:
        line.settimeout(1)
        try:
            line.connect(address)
        except OSError:
            return False
    return True


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _want_free_ports(settings: Settings) -> None:
    """nginx may run already: it outlives the supervisor."""
    wanted = [("ssh_port", settings.ssh_port)]
    if nginx_pid(settings.folder("nginx") / "nginx.pid") is None:
        wanted += [("http_port", settings.http_port), ("https_port", settings.https_port)]
    for name, port in wanted:
        with socket.socket(_family(settings.bind), socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.bind, port))
            except OSError as error:
                raise ConflictError(
                    f"Port {port} is taken ({error.strerror})",
                    f"stop what listens there (ss -ltnp 'sport = :{port}') or set PAAS_{name.upper()}",
                    code="port-taken",
                ) from None


def _is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _wait(is_over: Callable[[], bool], message: str, hint: str) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT
    while not is_over():
        if time.monotonic() > deadline:
            raise UnavailableError(message[0].upper() + message[1:], hint, code="timeout")
        time.sleep(0.05)
