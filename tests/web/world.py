"""A dashboard on fakes: people with passwords and tokens, a client that behaves as a browser, and a real server."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from paas.commands.callers import open_session
from paas.commands.passwords import hash_password
from paas.context import Caller
from paas.model import Database, Job, JobStep, User
from paas.settings import Settings
from paas.web import create_app
from paas.web.cookie import cookie_name
from tests.commands.world import World
from tests.fakes.clock import START, FakeClock

PASSWORD = "correct-horse-battery"
_HASH = hash_password(PASSWORD)


class WebWorld(World):
    """`settings` override those of an installation at http://paas.example.com; `now`: where its clock stands."""

    def __init__(self, database: Database, now: datetime = START, **settings: Any) -> None:
        super().__init__(database)
        self.clock = FakeClock(now)
        known = Settings(**{"domain": "example.com", "http_port": 80, **settings})
        self.on = replace(self.on, settings=known, clock=self.clock)
        with database.write() as session:
            for caller in (self.admin, self.member, self.stranger):
                user = session.get(User, caller.user_id)
                assert user is not None
                user.password_hash = _HASH
        self.flask = create_app(self.on)

    @property
    def origin(self) -> str:
        return self.on.settings.app_url(self.on.settings.dashboard_host)

    def browser(self, caller: Caller | None = None, origin: str = "") -> Browser:
        """A browser at the dashboard; signed in when somebody sits at it."""
        made = Browser(self, origin or self.origin)
        if caller is not None:  # as after a sign-in, without its tenth of a second
            assert caller.user_id is not None
            secret = open_session(self.on, caller.user_id, "127.0.0.1", "test")
            made.client.set_cookie(cookie_name(self.on), secret, domain=made.host)
        return made

    def token(self, caller: Caller, **words: Any) -> str:
        return str(self.call(caller, "tokens:create", name="t", **words).token)

    def api(self, caller: Caller | str | None, method: str, path: str, **words: Any) -> TestResponse:
        """A request to /api/v1 with a new token of this caller, or with this one."""
        headers = dict(words.pop("headers", {}))
        if caller is not None:
            token = caller if isinstance(caller, str) else self.token(caller)
            headers["Authorization"] = f"Bearer {token}"
        client = self.flask.test_client(use_cookies=False)
        return client.open(f"/api/v1{path}", method=method, base_url=self.origin, headers=headers, **words)

    def job(self, app: str, state: str = "running", kind: str = "deploy", log: str = "", **facts: Any) -> int:
        """A job row of an app with some log."""
        now = self.clock.now()
        ended = None if state in ("queued", "running") else now
        row = Job(
            kind=kind, app_id=self.app(app).id, app_name=app, payload={}, state=state, created_at=now,
            created_by="ana", user_id=None, via="git", claimed_at=now, ended_at=ended, attempt=int(state != "queued"),
            result_code=None, result_message=None, result_hint=None,
        )  # fmt: skip
        for name, value in facts.items():
            setattr(row, name, value)
        with self.on.database.write() as session:
            session.add(row)
            session.flush()
            number = row.id
        if log:
            self.logs.append(f"jobs/{number}.log", log)
        return number

    def step(self, job: int, name: str, state: str = "running", seconds: float = 1) -> None:
        start = self.clock.now()
        ended = None if state == "running" else start + timedelta(seconds=seconds)
        with self.on.database.write() as session:
            session.add(JobStep(job_id=job, name=name, started_at=start, ended_at=ended, state=state))

    def end(self, job: int, state: str = "succeeded", **facts: Any) -> None:
        with self.on.database.write() as session:
            row = session.get(Job, job)
            assert row is not None
            row.state, row.ended_at = state, self.clock.now()
            for name, value in facts.items():
                setattr(row, name, value)

    @contextmanager
    def served(self) -> Iterator[int]:
        """The application on a real port of 127.0.0.1."""
        server = make_server("127.0.0.1", 0, self.flask, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class Browser:
    """Keeps cookies, sends what browsers send, and fills the token in that the page's form had."""

    def __init__(self, world: WebWorld, origin: str) -> None:
        self.origin = origin
        self.host = urlsplit(origin).hostname or ""
        self.client: FlaskClient = world.flask.test_client()

    def get(self, path: str, **words: Any) -> TestResponse:
        return self.client.get(path, base_url=self.origin, **words)

    def post(self, path: str, form: dict[str, Any], headers: dict[str, str] | None = None) -> TestResponse:
        """As our own page would send it; `headers` replace what the browser says of itself."""
        said = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return self.client.post(path, data=form, headers=said, base_url=self.origin)

    def csrf(self, path: str = "/keys") -> str:
        found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', self.get(path).text)
        assert found is not None
        return found[1]

    def sign_in(self, name: str, password: str) -> TestResponse:
        form = {"name": name, "password": password, "csrf_token": self.csrf("/sign-in"), "next": "/apps"}
        return self.post("/sign-in", form)

    def do(self, command: str, **form: Any) -> TestResponse:
        return self.post(f"/do/{command}", {"csrf_token": self.csrf(), **form})
