"""A Docker Engine of a test's own, to be killed: its own roots, socket, containerd and bridge."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.images import python_image
from tests.journeys.installation import DOCKER
from tests.waiting import wait_until

START_TIMEOUT = 60.0


class SecondEngine:
    """Never the one that was found: without rules of its own it takes nothing from that one.

    It has a bridge of its own: told to have none, dockerd removes the host's docker0, whoever that belongs to (seen).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self.bridge = f"paastest{os.getpid() % 10_000_000}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "daemon.json"
        config.write_text(
            json.dumps({"live-restore": True, "bridge": self.bridge, "iptables": False, "ip6tables": False})
        )
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            _ip("link", "add", "name", self.bridge, "type", "bridge")
            _ip("address", "add", f"10.239.{os.getpid() % 256}.1/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
        namespace = f"paas-test-{os.getpid()}"  # a containerd of the machine, where one runs, is shared by name only
        command = [
            "dockerd", f"--config-file={config}", f"--host={self.host}", f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/run", f"--pidfile={self.folder}/docker.pid",
            f"--containerd-namespace={namespace}", f"--containerd-plugins-namespace={namespace}-plugins",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_until(lambda: self._asked("version").returncode == 0, what="the second engine")

    def load(self, image: str) -> None:
        """Copy an image from the engine that was found."""
        saved = subprocess.Popen([DOCKER, "save", image], stdout=subprocess.PIPE)
        subprocess.run([DOCKER, "--host", self.host, "load"], stdin=saved.stdout, check=True, capture_output=True)
        assert saved.wait() == 0

    def kill(self) -> None:
        """-9; its containers stay."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        # Its containerd dies a moment later: the next engine would take it for a living one, and wait for it in vain.
        (self.folder / "run" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def remove(self) -> None:
        if self._process is not None:
            self.kill()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if any(str(self.folder) in word for word in process.cmdline()):
                    for one in (*process.children(recursive=True), process):  # a shim, and what it keeps running
                        one.kill()
        _ip("link", "delete", self.bridge, check=False)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((mount for mount in mounts if mount.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _asked(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([DOCKER, "--host", self.host, *words], capture_output=True, check=False)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)


@contextmanager
def second_engine(folder: Path) -> Iterator[SecondEngine]:
    """Running, with the image that tests build on."""
    engine = SecondEngine(folder)
    try:
        engine.start()
        engine.load(python_image())
        yield engine
    finally:
        engine.remove()
