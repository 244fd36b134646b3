"""Does a Docker Engine answer, and if none does, how is it started?"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from pathlib import Path

from installer.packages import has_systemd
from installer.steps import InstallError, last_line, run

DAEMON_CONFIG = Path("/etc/docker/daemon.json")
DAEMON_LOG = Path("/var/log/dockerd.log")
START_TIMEOUT = 60.0


def start_engine(docker_host: str) -> str:
    """Have an engine answer; one that runs already is left alone. Returns a line that tells what was done."""
    if version := engine_version(docker_host):
        return f"Docker Engine {version} answers"
    if not docker_host.startswith("unix:///"):
        raise InstallError(f"Nothing answers at {docker_host}", "start that engine or unset PAAS_DOCKER_HOST")
    want_live_restore()
    if has_systemd():
        run(["systemctl", "enable", "--now", "docker"], "look at: journalctl -u docker")
    else:
        _start_in_background()
    return f"Docker Engine {_wait_for_engine(docker_host)} started"


def engine_version(docker_host: str) -> str:
    """The version that answers on the socket; empty when nothing does."""
    try:
        connection = _UnixConnection(docker_host.removeprefix("unix://"))
        connection.request("GET", "/version")
        return str(json.loads(connection.getresponse().read())["Version"])
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return ""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def want_live_restore(path: Path = DAEMON_CONFIG) -> None:
    """Containers go on while the daemon restarts (docs.docker.com/engine/daemon/live-restore)."""
    try:
        config = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        raise InstallError(f"{path} is not JSON", "correct it") from None
    if "live-restore" in config or "swarm" in config:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**config, "live-restore": True}, indent=2) + "\n")


def _start_in_background() -> None:
    Path("/var/run/docker.pid").unlink(missing_ok=True)  # of a machine that was switched off; nothing answers
    with DAEMON_LOG.open("ab") as log:
        subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")


def _wait_for_engine(docker_host: str) -> str:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if version := engine_version(docker_host):
            return version
        time.sleep(0.1)
    reason = last_line(DAEMON_LOG.read_text(errors="replace")) if DAEMON_LOG.exists() else "no log"
    raise InstallError(f"dockerd does not answer ({reason})", f"look at {DAEMON_LOG} or journalctl -u docker")
