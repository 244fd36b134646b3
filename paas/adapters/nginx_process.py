"""Which nginx processes are ours, and what do they do? Found by their working folder, watched through /proc.

The master and every worker have `home/nginx` as their working folder, whatever became of their parents, and nginx
writes into its command line what it is: "nginx: worker process is shutting down".
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import psutil

from paas.adapters.nginx_config import LATE_SOCKET
from paas.errors import UnavailableError

POLL = 0.005
CHECK_TIMEOUT = 60  # (s)
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_EMERGENCY = re.compile(r"\[emerg\] (?:\d+#\d+: )?(.*)")


class NginxProcess:
    """One master with its workers, those of a killed master included."""

    def __init__(self, prefix: Path, status_socket: Path) -> None:
        self._prefix = prefix
        self._status_socket = status_socket
        self._late_socket = prefix / LATE_SOCKET
        self._configuration = prefix / "current" / "nginx.conf"
        self._errors = prefix / "logs" / "error.log"

    def check(self, folder: Path) -> str:
        """What nginx says against the configuration in this folder; empty when nothing."""
        command = [_binary(), "-t", "-q", "-p", str(self._prefix), "-c", str(folder / "nginx.conf")]
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env=_ENVIRONMENT,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=CHECK_TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"nginx -t did not end within {CHECK_TIMEOUT} s", "paas doctor") from None
        return "" if done.returncode == 0 else _emergency(done.stderr).replace(f"{folder}/", "")

    def launch(self, timeout: float) -> None:
        """Start a master that is nobody's child, and wait for its workers. Raises UnavailableError with its reason."""
        for left in (self._status_socket, self._late_socket):
            left.unlink(missing_ok=True)  # by a killed master; nginx would call the address taken
        command = [_binary(), "-p", str(self._prefix), "-c", str(self._configuration)]
        with (self._prefix / "logs" / "start.log").open("w+", errors="replace") as output:
            done = subprocess.run(
                command,
                cwd=self._prefix,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                timeout=timeout,
            )
            output.seek(0)
            said = output.read()
        if done.returncode != 0 or not wait_until(lambda: self.answer() is not None, timeout):
            raise UnavailableError(f"nginx does not start: {_emergency(said)}", "paas doctor")

    def master(self) -> int | None:
        """The pid in the pid file, else that of a running master of ours."""
        try:
            written = int((self._prefix / "nginx.pid").read_text())
        except (OSError, ValueError):
            written = 0
        if written and _title(written).startswith("nginx: master") and self._is_ours(written):
            return written
        masters = [pid for pid in self._processes() if _title(pid).startswith("nginx: master")]
        return next((pid for pid in masters if _parent(pid) not in masters), None)

    def workers(self) -> list[int]:
        """All of them, also those that only finish what they began."""
        return [pid for pid in self._processes() if _title(pid).startswith("nginx: worker")]

    def accepting(self) -> list[int]:
        """Workers that take new connections."""
        return [pid for pid in self.workers() if is_accepting(pid)]

    def started_at(self, pid: int) -> datetime | None:
        try:
            return datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
        except psutil.NoSuchProcess:
            return None

    def answer(self) -> int | None:
        """The number of the tree that answers on the status socket."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1)
                line.connect(str(self._status_socket))
                line.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = b"".join(iter(lambda: line.recv(4096), b""))
            return int(answer.rpartition(b"\r\n\r\n")[2])
        except (OSError, ValueError):
            return None

    def reload(self, number: int, timeout: float) -> None:
        """HUP, then wait until tree `number` answers and no worker from before takes new connections.

        For some 100 ms after the first new answer the old workers still accept. Raises UnavailableError with what nginx
        wrote into its error log, at once when it wrote that it will not.
        """
        master = self.master()
        if master is None:
            raise UnavailableError("nginx is not running", "paas status")
        before = self.accepting()
        offset = self._errors.stat().st_size if self._errors.exists() else 0
        os.kill(master, signal.SIGHUP)
        said = ""

        def is_over() -> bool:
            nonlocal said
            said = self._emergency_since(offset, master)
            return bool(said) or (not any(map(is_accepting, before)) and self.answer() == number)

        if not wait_until(is_over, timeout) or said:
            raise UnavailableError(f"nginx did not confirm the reload{said and ': '}{said}", "paas doctor")

    def reopen_logs(self) -> None:
        master = self.master()
        if master is not None:
            os.kill(master, signal.SIGUSR1)

    def end(self, patience: float) -> None:
        """QUIT lets workers finish for `patience` seconds, TERM does not. Workers without a master end too."""
        for sign, timeout in ((signal.SIGQUIT, patience), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            master = self.master()
            for pid in (master,) if master else self.workers():
                _send(pid, sign)
            if wait_until(lambda: self.master() is None and not self.workers(), timeout, 0.02):
                return

    def retire_orphans(self, timeout: float) -> None:
        """Workers of a master that was killed hold its ports: have them finish what they do and take nothing new."""
        for pid in self.accepting():
            _send(pid, signal.SIGQUIT)
        wait_until(lambda: not self.accepting(), timeout)

    def _processes(self) -> list[int]:
        names = os.listdir("/proc")  # noqa: PTH208 - names are all that is needed
        return [int(name) for name in names if name.isdigit() and self._is_ours(int(name))]

    def _is_ours(self, pid: int) -> bool:
        """By the folder itself, not by its path: a container may have one of the same name."""
        try:
            if Path(f"/proc/{pid}/comm").read_bytes() != b"nginx\n":
                return False
            return Path(f"/proc/{pid}/cwd").samefile(self._prefix)
        except OSError:
            return False

    def _emergency_since(self, offset: int, master: int) -> str:
        try:
            with self._errors.open(errors="replace") as file:
                file.seek(offset)
                lines = [line for line in file if f" {master}#" in line and "[emerg]" in line]
        except OSError:
            return ""
        return _emergency(lines[-1]) if lines else ""


def wait_until(is_true: Callable[[], bool], timeout: float, poll: float = POLL) -> bool:
    """False when it does not become true in time."""
    deadline = time.monotonic() + timeout
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll)
    return True


def is_accepting(pid: int) -> bool:
    """A worker that was not told to end: nginx changes its title before it closes its listening sockets."""
    title = _title(pid)
    return title.startswith("nginx: worker") and "shutting down" not in title


def count_connections(address: str, table: Path = Path("/proc/net/tcp")) -> int:
    """Sockets of this host that are connected to `address`, or about to be (proc(5): `rem_address st`)."""
    remote = IPv4Address(address).packed[::-1].hex().upper().encode()
    return len(re.findall(rb" %b:[0-9A-F]{4} 0[12] " % remote, table.read_bytes()))


def _binary() -> str:
    found = shutil.which("nginx", path=_ENVIRONMENT["PATH"])
    if found is None:
        raise UnavailableError("nginx is not installed", "apt-get install nginx")
    return found


def _send(pid: int, sign: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sign)


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def _emergency(text: str) -> str:
    """The first emergency in nginx's own words, or whatever it said."""
    match = _EMERGENCY.search(text)
    return match[1].strip() if match else text.strip()[-500:]
