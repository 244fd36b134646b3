"""The same by hand: an OpenSSH server of our own, a bare repository, docker and nginx as somebody would use them."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path

from tests.journeys.installation import DOCKER, free_ports
from tests.journeys.repository import Repository

NGINX = """\
daemon on; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes auto;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/site.conf;
}}
"""
SITE = """\
upstream app {{ server {address}:5000; keepalive 16; }}
server {{
  listen 127.0.0.1:{port};
  location / {{
    proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  }}
}}
"""


class ByHand:
    """Everything lies below `folder`; `close` takes it away."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder, self.key = folder, key
        folder.mkdir()
        self.ssh_port, self.http_port = free_ports(2)
        self._container = ""
        self._numbers = itertools.count()
        self._start_sshd()
        self._start_nginx()

    # --- OpenSSH ----------------------------------------------------------------------------------------------------
    def _start_sshd(self) -> None:
        Path("/run/sshd").mkdir(exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "host"], check=True)
        (self.folder / "authorized").write_text(self.key.with_suffix(".pub").read_text())
        options = [
            f"Port={self.ssh_port}", "ListenAddress=127.0.0.1", f"HostKey={self.folder}/host", "StrictModes=no",
            f"AuthorizedKeysFile={self.folder}/authorized", f"PidFile={self.folder}/sshd.pid", "UsePAM=no",
        ]  # fmt: skip
        command = ["/usr/sbin/sshd", "-f", "/dev/null", *(word for each in options for word in ("-o", each))]
        subprocess.run(command, check=True)

    def ssh_options(self) -> list[str]:
        return [
            "-F", "none", "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", "LogLevel=ERROR", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-p", str(self.ssh_port),
        ]  # fmt: skip

    def ssh_true(self) -> None:
        subprocess.run(["ssh", *self.ssh_options(), "root@127.0.0.1", "true"], check=True)

    def repository(self, name: str) -> Repository:
        """A work tree whose remote is a bare repository behind this OpenSSH."""
        bare = self.folder / f"{name}.git"
        subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
        command = " ".join(["ssh", *self.ssh_options()[:-2]])
        return Repository(self.folder / name, f"ssh://root@127.0.0.1:{self.ssh_port}{bare}", command)

    # --- Deploying --------------------------------------------------------------------------------------------------
    def _start_nginx(self) -> None:
        for name in ("body", "proxy"):
            (self.folder / name).mkdir()
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder))
        self._write_site("127.0.0.1")
        subprocess.run(["nginx", "-c", self.folder / "nginx.conf"], check=True, capture_output=True)

    def _write_site(self, address: str) -> None:
        (self.folder / "site.conf").write_text(SITE.format(address=address, port=self.http_port))

    def deploy(self, repository: Repository) -> None:
        """git push, docker build from the pushed commit, docker run, wait for 200, site, nginx -t, reload."""
        repository.git("push", "-q", "paas", "main")
        bare = self.folder / f"{repository.folder.name}.git"
        tar = subprocess.Popen(["git", "--git-dir", bare, "archive", "main"], stdout=subprocess.PIPE)
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        subprocess.run(
            [DOCKER, "build", "-q", "-t", "t-by-hand", "-"], stdin=tar.stdout, env=environment, check=True,
            capture_output=True,
        )  # fmt: skip
        tar.wait()
        self.swap()

    def swap(self) -> None:
        """Start a new container, wait for its 200, route to it, remove the old one: also a restart by hand."""
        name = f"t-by-hand-{os.getpid()}-{next(self._numbers)}"
        subprocess.run(
            [DOCKER, "run", "-d", "--init", "--name", name, "-e", "PORT=5000", "t-by-hand"],
            check=True,
            capture_output=True,
        )
        form = "{{.NetworkSettings.IPAddress}}"
        address = subprocess.run(
            [DOCKER, "inspect", "-f", form, name], check=True, capture_output=True, text=True
        ).stdout.strip()
        _wait_for_200(address)
        self._write_site(address)
        subprocess.run(["nginx", "-t", "-c", self.folder / "nginx.conf"], check=True, capture_output=True)
        subprocess.run(["nginx", "-s", "reload", "-c", self.folder / "nginx.conf"], check=True, capture_output=True)
        old, self._container, self.address = self._container, name, address
        if old:
            subprocess.Popen([DOCKER, "rm", "-f", old], stdout=subprocess.DEVNULL)

    def close(self) -> None:
        for name in ("sshd", "nginx"):
            pid = self.folder / f"{name}.pid"
            if pid.exists():
                subprocess.run(["kill", pid.read_text().strip()], check=False)
        found = subprocess.run(
            [DOCKER, "ps", "-aq", "--filter", f"name=t-by-hand-{os.getpid()}-"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        if found:
            subprocess.run([DOCKER, "rm", "-f", *found], check=True, capture_output=True)


def _wait_for_200(address: str) -> None:
    while True:
        connection = HTTPConnection(address, 5000, timeout=2)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
