"""A whole platform of its own, as a stranger would have it: processes, ports, Docker things and an administrator.

Everything is real: the supervisor, gunicorn, paramiko, the worker, nginx, Docker. Its home is below pytest's folder: so
the next run finds and ends what a killed one left.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from http.client import HTTPConnection
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import psutil

from paas.adapters.docker import DockerRuntime
from paas.adapters.firewall import IptablesFirewall
from paas.model import App, Database, Job, select
from tests.journeys.repository import Repository

ROOT = Path(__file__).resolve().parents[2]
DOCKER = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"
CA_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
QUICK = {
    "reconcile_interval": "2",
    "drain_timeout": "3",
    "stop_timeout": "5",
    "start_timeout": "10",
    "stay_up": "1",
    "lease": "5",
    "restart_delay": "0.2",
    "disk_reserve": "100000000",
}


class Installation:
    """`settings` override the quick timers; `database_url` puts it on PostgreSQL."""

    def __init__(self, folder: Path, *, docker_host: str = "", **settings: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.fault_file = folder / "fault"
        self.id = "t-" + secrets.token_hex(4)
        self.pool = _free_pool()
        self.http_port, self.https_port, self.ssh_port = free_ports(3)
        self.docker_host = docker_host or "unix:///var/run/docker.sock"
        self.settings = {
            **QUICK,
            "home": str(self.home),
            "prefix": str(folder / "prefix"),
            "installation": self.id,
            "network_pool": str(self.pool),
            "http_port": str(self.http_port),
            "https_port": str(self.https_port),
            "ssh_port": str(self.ssh_port),
            "docker_host": self.docker_host,
            "docker_cli": DOCKER,
            "build_ca_certificates": CA_CERTIFICATES,
            "faults": str(self.fault_file),
            **settings,
        }
        self.root = ROOT
        self._database: Database | None = None
        self.key = folder / "admin"

    # --- Life -------------------------------------------------------------------------------------------------------
    @property
    def environment(self) -> dict[str, str]:
        plain = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PAAS_CONFIG": str(self.folder / "none.toml")}
        return plain | {f"PAAS_{name.upper()}": value for name, value in self.settings.items()}

    def install(self) -> Installation:
        """Set up, migrate, make the administrator `admin` with a key, and start everything."""
        open_to_others(self.folder)
        self.paas("setup")
        self.paas("migrate")
        self.up()
        self.add_user("admin", role="admin")
        return self

    def up(self) -> None:
        self.paas("up", "--detach")

    def down(self) -> None:
        self.paas("down", check=False)

    def remove(self) -> None:
        """Stop it and take all of it off the machine. Raises AssertionError if it ever logged a traceback."""
        self.down()
        log = self.log()
        if self._database is not None:
            self._database.close()
        runtime = DockerRuntime(self.docker_host, self.id)
        for container in runtime.containers():
            runtime.remove(container.name)
        for network in runtime.networks():
            runtime.remove_network(network.name)
        for image in runtime.images():
            for tag in image.tags:
                runtime.remove_image(tag)
        IptablesFirewall(self.id, self.pool).remove()
        assert "Traceback" not in log, log[max(0, log.index("Traceback") - 2000) :][:8000]

    def paas(self, *words: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """`paas WORDS`, as root at the machine."""
        command = [sys.executable, "-E", "-s", str(self.root / "app.py"), *words]
        answer = subprocess.run(
            command, env=self.environment, input=stdin, capture_output=True, text=True, timeout=120, check=False
        )
        if check and answer.returncode:
            raise AssertionError(
                f"paas {' '.join(words)} exited with {answer.returncode}:\n{answer.stdout}{answer.stderr}"
            )
        return answer

    # --- People -----------------------------------------------------------------------------------------------------
    def add_user(self, name: str, role: str = "member") -> str:
        """A user with an SSH key `folder/NAME`; the password."""
        made = json.loads(self.paas("users:add", name, "--role", role, "--format", "json").stdout)
        key = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.paas("ssh-keys:add", name, "--user", name, stdin=key.with_suffix(".pub").read_text())
        return str(made["password"])

    def ssh_options(self, user: str = "admin") -> list[str]:
        return [
            "-F", "none", "-i", str(self.folder / user), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
            "-p", str(self.ssh_port),
        ]  # fmt: skip

    def ssh(
        self, *words: str, user: str = "admin", stdin: str = "", timeout: float = 60, tty: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """`ssh paas@localhost WORDS`."""
        command = ["ssh", *(["-tt"] if tty else []), *self.ssh_options(user), "paas@127.0.0.1", "--", *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)

    def ask(self, *words: str, user: str = "admin") -> Any:
        """The JSON answer of a command over SSH."""
        answer = self.ssh("--format", "json", *words, user=user)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def repository(self, app: str, user: str = "admin") -> Repository:
        """An empty work tree whose remote `paas` is this app."""
        command = " ".join(["ssh", *self.ssh_options(user)[:-2]])
        folder = self.folder / f"tree-{app}-{secrets.token_hex(2)}"
        return Repository(folder, f"ssh://paas@127.0.0.1:{self.ssh_port}/{app}", command)

    # --- Visitors ---------------------------------------------------------------------------------------------------
    def host(self, app: str) -> str:
        return f"{app}.localhost"

    def get(self, app: str, path: str = "/", host: str = "", timeout: float = 10) -> tuple[int, str]:
        """Status and body of a GET through nginx; status 0 when there is no answer."""
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Host": host or self.host(app)})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except OSError as error:
            return 0, repr(error)
        finally:
            connection.close()

    # --- Looking inside ---------------------------------------------------------------------------------------------
    @property
    def database(self) -> Database:
        if self._database is None:
            self._database = Database(self.settings.get("database_url") or f"sqlite:///{self.home}/database/paas.db")
        return self._database

    @property
    def runtime(self) -> DockerRuntime:
        return DockerRuntime(self.docker_host, self.id)

    def app(self, name: str) -> App:
        with self.database.read() as session:
            found = session.scalar(select(App).where(App.name == name))
        assert found is not None, f"no app {name}"
        return found

    def jobs(self, kind: str = "deploy") -> list[Job]:
        with self.database.read() as session:
            return list(session.scalars(select(Job).where(Job.kind == kind).order_by(Job.id)))

    def pids(self) -> dict[str, int]:
        """Pid by process: supervisor, web, ssh, worker, nginx; those that run."""
        told = self.paas("status", "--format", "json", check=False)  # it exits with 1 when one is missing
        lines = json.loads(told.stdout)
        return {line["name"]: line["pid"] for line in lines if line["pid"]}

    def oldest_nginx_worker(self) -> datetime:
        """When the oldest of nginx's workers was started."""
        workers = psutil.Process(int((self.home / "nginx" / "nginx.pid").read_text())).children()
        return datetime.fromtimestamp(min(worker.create_time() for worker in workers), UTC)

    def kill(self, process: str, number: int = signal.SIGKILL) -> int:
        pid = self.pids()[process]
        os.kill(pid, number)
        return pid

    def arm(self, point: str) -> None:
        """The worker dies with -9 when it next reaches this fail-point."""
        self.fault_file.write_text(point + "\n")

    def is_armed(self) -> bool:
        return self.fault_file.exists()

    def log(self) -> str:
        path = self.home / "logs" / "platform.log"
        return path.read_text(errors="replace") if path.exists() else ""


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _free_pool() -> IPv4Network:
    """A /18 for up to 128 apps; by chance, so that two runs on one Docker hardly meet."""
    start = int(IPv4Network("10.240.0.0/13").network_address)
    return IPv4Network((start + secrets.randbelow(32) * 2**14, 18))


def open_to_others(folder: Path) -> None:
    """The platform's users must reach its home; pytest's folders are closed to them."""
    for place in (folder, *folder.parents):
        if place == Path("/") or place.stat().st_mode & 0o001:
            continue
        place.chmod(place.stat().st_mode | 0o011)
