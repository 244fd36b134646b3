"""An nginx of the tests' own below /tmp, and small servers for it to speak to."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from paas.adapters.nginx import TEMPLATES
from paas.adapters.nginx_process import NginxProcess
from paas.ports import Site
from paas.settings import Settings

HOMES = "paas-test-nginx-"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def remove_remains() -> None:
    """Of runs that were killed: their nginx outlived them, as it is built to."""
    for home in Path(tempfile.gettempdir()).glob(f"{HOMES}*"):
        owner = home / "owner"
        if owner.exists() and Path(f"/proc/{owner.read_text()}").exists():
            continue
        _end(home)
        shutil.rmtree(home, ignore_errors=True)


def _end(home: Path) -> None:
    NginxProcess(home / "nginx", home / "run" / "nginx-status.sock").end(0)


@contextmanager
def nginx_home(**settings: Any) -> Iterator[Settings]:
    """Settings with a home of their own; what ran there is ended afterwards."""
    remove_remains()
    home = Path(tempfile.mkdtemp(prefix=HOMES))
    home.chmod(0o711)
    (home / "owner").write_text(str(os.getpid()))
    (home / "run").mkdir(mode=0o711)
    words = {"bind": "127.0.0.1", "http_port": free_port(), "https_port": free_port(), "reload_timeout": 5.0}
    made = Settings(home=home, **(words | settings))
    try:
        yield made
    finally:
        _end(home)
        shutil.rmtree(home, ignore_errors=True)


def changed_templates(folder: Path, **added: str) -> Path:
    """A copy of the templates with text added at the end of some (`site` for site.conf.j2)."""
    shutil.copytree(TEMPLATES, folder, dirs_exist_ok=True)
    for name, text in added.items():
        with (folder / f"{name}.conf.j2").open("a") as file:
            file.write(text)
    return folder


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(port: int, host: str, path: str = "/", *, method: str = "GET", body: Any = None, **headers: str) -> Answer:
    """One request on a connection of its own. Header names are written with _ for -."""
    line = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        line.request(method, path, body=body, headers={"Host": host, **named})
        answer = line.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, answer.read().decode(errors="replace"), names)
    finally:
        line.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        app = self.server.app
        length = int(self.headers.get("Content-Length", 0))
        received = 0
        while received < length:
            received += len(self.rfile.read(min(65536, length - received)))
        name = self.path.partition("?")[0]
        if name == "/stream":
            self._stream()
        elif name == "/break-off":
            self.close_connection = True
        else:
            if name == "/slow":
                self.server.app.go_on.wait(60)
            told = {"app": app.name, "path": self.path, "method": self.command, "received": received}
            self._say(
                500 if name == "/error" else 200, told | {"headers": {k.lower(): v for k, v in self.headers.items()}}
            )

    do_POST = do_PUT = do_GET  # noqa: N815 - the names that http.server looks for

    def _say(self, status: int, told: dict[str, object]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        for name, value in self.server.app.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        """One event now, the next when the test says so."""
        self.send_response(200)
        for name, value in {"Content-Type": "text/event-stream", **self.server.app.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b"data: one\n\n")
        self.server.app.go_on.wait(60)
        self.wfile.write(b"data: two\n\n")

    def log_message(self, *words: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    app: App


@dataclass
class App:
    """What an app's container would answer with. `headers` are added to each answer."""

    name: str
    address: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)
    go_on: threading.Event = field(default_factory=threading.Event)
    stop: Callable[[], None] = lambda: None

    @property
    def backend(self) -> str:
        return f"{self.address}:{self.port}"

    def site(self, *hosts: str, **words: Any) -> Site:
        facts: dict[str, Any] = {"backends": (self.backend,), "state": "live", "upload_limit": 5_000_000} | words
        return Site(app_id=f"{self.name:0<8}", app_name=self.name, hosts=hosts or (f"{self.name}.localhost",), **facts)


@contextmanager
def running_app(name: str, address: str = "127.0.0.1", port: int = 0, **headers: str) -> Iterator[App]:
    server = _Server((address, port), _Handler)
    server.app = App(name, address, server.server_address[1], {k.replace("_", "-"): v for k, v in headers.items()})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()

    def stop() -> None:
        server.app.go_on.set()
        server.shutdown()
        server.server_close()

    server.app.stop = stop
    try:
        yield server.app
    finally:
        stop()
