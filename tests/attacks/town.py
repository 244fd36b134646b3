"""Two tenants of one real platform who have nothing to do with each other, and the doors they may knock at."""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection
from typing import Any

from tests.journeys.installation import Installation
from tests.journeys.repository import Repository, small_app

# Each time that it runs it leaves another content.
WITH_SECRET = (
    "RUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN >/dev/null; sha256sum /proc/sys/kernel/random/uuid >/once"
)


@dataclass
class Tenant:
    """A user with a key, an API token and one app, whose variables and logs nobody else may read."""

    name: str
    app: str
    password: str
    on: Installation = field(repr=False)
    secret: str = field(default_factory=lambda: secrets.token_hex(12))
    build_secret: str = field(default_factory=lambda: secrets.token_hex(12))
    said: str = field(default_factory=lambda: secrets.token_hex(12))  # what its app prints
    token: str = ""
    repository: Repository = field(init=False, repr=False)

    def settle(self) -> None:
        """Deploy the app, with variables for it and for its build."""
        self.token = self.on.ask("tokens:create", "main", user=self.name)["token"]
        self.ssh("apps:create", self.app)
        self.ssh("config:set", self.app, f"SECRET={self.secret}")
        self.ssh("config:set", "--build", self.app, f"TOKEN={self.build_secret}")
        self.repository = self.on.repository(self.app, self.name)
        self.repository.commit(self.files())
        pushed = self.repository.push()
        assert pushed.returncode == 0, pushed.stderr

    def files(self, *lines: str) -> dict[str, str]:
        """The app's files; `lines` come at the end of its Dockerfile."""
        files = small_app(self.app)
        first, rest = files["Dockerfile"].split("\n", 1)
        files["Dockerfile"] = "\n".join([first, WITH_SECRET, rest + "".join(f"{line}\n" for line in lines)])
        files["server.py"] = f"print('{self.said}', flush=True)\n" + files["server.py"]
        return files

    def ssh(self, *words: str) -> str:
        answer = self.on.ssh(*words, user=self.name)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def push(self, *lines: str) -> str:
        """Push a change whose Dockerfile ends with these lines and then fails; what the pusher reads."""
        self.repository.commit(self.files(*lines, f"RUN echo over-{secrets.token_hex(4)} && false"))
        pushed = self.repository.push("-f", "paas", "main")
        assert pushed.returncode != 0
        return pushed.stderr

    def run(self, *words: str) -> str:
        """What a command prints in a one-off container of the app, whatever its exit code."""
        answer = self.on.ssh("run", self.app, *map(shlex.quote, words), user=self.name)
        return answer.stdout + answer.stderr

    def call(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, str]:
        """Status and body of a call of the API."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        raw = None if body is None else json.dumps(body)
        if raw is not None:
            headers["Content-Type"] = "application/json"
        status, _, answer = visit(self.on, method, f"/api/v1{path}", headers, raw)
        return status, answer

    @property
    def container(self) -> dict[str, Any]:
        """Docker's own view of the app's newest web process."""
        runtime = self.on.runtime
        webs = [it for it in runtime.containers(self.on.app(self.app).id) if it.process_type == "web"]
        newest = max(webs, key=lambda it: it.rollout)
        return dict(runtime._engine.client.inspect_container(newest.name))

    @property
    def address(self) -> str:
        return str(next(iter(self.container["NetworkSettings"]["Networks"].values()))["IPAddress"])


def visit(
    on: Installation, method: str, path: str, headers: Mapping[str, str] | None = None, body: str | None = None
) -> tuple[int, Mapping[str, str], str]:
    """Status, headers and body of a request to the dashboard's host."""
    connection = HTTPConnection("127.0.0.1", on.http_port, timeout=30)
    try:
        connection.request(method, path, body, {"Host": "paas.localhost", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


@dataclass(frozen=True)
class Two:
    ana: Tenant
    bea: Tenant
    on: Installation


@cache
def two_tenants(on: Installation) -> Two:
    """Ana with `alpha` and Bea with `beta`, made once on a platform that several modules share."""
    ana, bea = (_settle(on, app) for app in ("alpha", "beta"))
    return Two(ana, bea, on)


def _settle(on: Installation, app: str) -> Tenant:
    tenant = Tenant(f"owner-{app}", app, on.add_user(f"owner-{app}"), on)
    tenant.settle()
    return tenant
