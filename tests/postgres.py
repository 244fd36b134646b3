"""Where do the tests that want PostgreSQL find it? A server of their own, started anew for each run."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from installer.steps import run

HINT = "look at /var/log/paas-install.log, then run it again"


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of a server whose files are in `folder`. It holds nothing dear: no fsync."""
    control = _control(folder)
    if (folder / "postmaster.pid").exists():  # of a run that was killed
        _stop(control)
    shutil.rmtree(folder, ignore_errors=True)
    _make_folder(folder)
    run([*control, "-o", "-A trust -U postgres -E UTF8 --locale=C.UTF-8 -N", "initdb"], HINT, cwd=folder)
    port = _free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300"
    run([*control, "-o", options, "-l", str(folder / "log"), "-w", "start"], HINT, cwd=folder)
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    finally:
        _stop(control)


def _control(folder: Path) -> list[str]:
    """`pg_ctl` of the newest version here, as the user that it insists on."""
    newest = max(Path("/usr/lib/postgresql").iterdir(), key=lambda version: float(version.name))
    user = pwd.getpwnam("postgres")
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*become, str(newest / "bin" / "pg_ctl"), "-D", str(folder)]


def _make_folder(folder: Path) -> None:
    user = pwd.getpwnam("postgres")
    folder.mkdir(mode=0o700)
    os.chown(folder, user.pw_uid, user.pw_gid)


def _stop(control: list[str]) -> None:
    subprocess.run([*control, "-m", "immediate", "stop"], capture_output=True, cwd="/", check=False)


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
