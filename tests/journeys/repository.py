"""A developer's work tree: files, commits, pushes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.images import python_image

SERVER = """\
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        name = self.path.lstrip("/")
        body = os.environ.get(name[4:], "").encode() if name.startswith("env/") else {version!r}.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        import hashlib
        body = hashlib.sha256(self.rfile.read(int(self.headers["Content-Length"]))).hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("serving {version}", flush=True)
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""


def small_app(version: str, **files: str) -> dict[str, str]:
    """The files of an app that builds in a moment: `/` answers `version`, `/env/KEY` the variable, POST a SHA-256."""
    dockerfile = f'FROM {python_image()}\nCOPY . /app\nWORKDIR /app\nCMD ["python3", "-u", "server.py"]\n'
    plain = {"Dockerfile": dockerfile, "server.py": SERVER.format(version=version)}
    return plain | {name.replace("__", "/"): text for name, text in files.items()}


class Repository:
    def __init__(self, folder: Path, remote: str, ssh_command: str) -> None:
        self.folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_SSH_COMMAND": ssh_command,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in ANA.items()},
        }
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "paas", remote)

    def git(self, *words: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *words], cwd=self.folder, env=self._environment, capture_output=True, text=True, check=check,
            timeout=timeout,
        )  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A git command in the background."""
        return subprocess.Popen(
            ["git", *words], cwd=self.folder, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in what a shell puts behind `&`
        )  # fmt: skip

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes], message: str = "change") -> str:
        """Write, add and commit; the commit."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *words: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """`git push paas main` (or other words); never raises."""
        return self.git("push", *(words or ("paas", "main")), check=False, timeout=timeout)

    def remote_branch(self, name: str = "main") -> str:
        """Where the remote's branch stands; "" when it has none."""
        return self.git("ls-remote", "paas", f"refs/heads/{name}").stdout.partition("\t")[0]


ANA = {"NAME": "Ana", "EMAIL": "ana@example.com"}
