"""A platform for command tests: a real database, fakes for the rest, some people, and a terminal that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paas.commands import console
from paas.commands.call import call
from paas.context import Caller, Context, Platform
from paas.errors import BadInputError
from paas.model import App, Database, Grant, Image, Release, User, select
from paas.ports import ConsoleLine
from paas.rules.config import write_snapshot
from paas.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.faults import FakeFaults
from tests.fakes.line import FakeLine
from tests.fakes.logs import FakeLogs
from tests.fakes.vault import FakeVault


@dataclass
class Screen:
    """Implements console.Terminal."""

    stdin: str = ""
    is_tty: bool = False
    colours: bool = False
    columns: int = 80
    rows: int = 24
    out: str = ""
    err: str = ""
    bridged: list[ConsoleLine] = field(default_factory=list)

    def write(self, text: str) -> None:
        self.out += text

    def write_error(self, text: str) -> None:
        self.err += text

    def read_line(self) -> str | None:
        line, _, self.stdin = self.stdin.partition("\n")
        return line or None

    def read_all(self, limit: int) -> str:
        if len(self.stdin) > limit:
            raise BadInputError("too long", code="stdin-size")
        return self.stdin

    def is_gone(self) -> bool:
        return False

    def bridge(self, line: ConsoleLine) -> int:
        self.bridged.append(line)
        return 7


class World:
    """`admin` and `member` are callers; `stranger` is a member without any grant."""

    def __init__(self, database: Database) -> None:
        self.line, self.logs, self.clock = FakeLine(), FakeLogs(), FakeClock()
        self.on = Platform(
            settings=Settings(domain="example.com", http_port=80),
            installation="testtest",
            database=database,
            clock=self.clock,
            vault=FakeVault(),
            logs=self.logs,
            worker=self.line,
            faults=FakeFaults(),
        )
        self.admin, self.member, self.stranger = (self.person(*each) for each in PEOPLE)

    def person(self, name: str, role: str) -> Caller:
        with self.on.database.write() as session:
            user = User(name=name, role=role, password_hash=None, created_at=self.clock.now())
            session.add(user)
            session.flush()
            return Caller(user_id=user.id, name=name, role="admin" if role == "admin" else "member", via="ssh")

    def call(self, caller: Caller, command: str, /, **words: Any) -> Any:
        return call(command, Context(self.on, caller), words)

    def type(self, caller: Caller, line: str | list[str], stdin: str = "", **screen: Any) -> tuple[int, Screen]:
        """What `ssh paas@host LINE` does; (exit code, what it printed)."""
        shown = Screen(stdin=stdin, **screen)
        words = line.split() if isinstance(line, str) else line
        return console.run(words, Context(self.on, caller), shown), shown

    def grant(self, caller: Caller, app: str, level: str) -> None:
        with self.on.database.write() as session:
            found = session.scalar(select(App).where(App.name == app))
            assert found is not None
            session.add(Grant(user_id=caller.user_id, app_id=found.id, level=level))

    def app(self, name: str) -> App:
        with self.on.database.read() as session:
            found = session.scalar(select(App).where(App.name == name))
            assert found is not None
            return found

    def deployed(self, name: str, *, versions: int = 1, processes: tuple[str, ...] = ("web",)) -> App:
        """Make the app look as after some successful deploys."""
        app = self.app(name)
        with self.on.database.write() as session:
            before: int | None = None
            for version in range(1, versions + 1):
                image = Image(
                    app_id=app.id,
                    job_id=-version - 1000 * hash(name) % 10**6,
                    docker_id=f"sha256:{version}",
                    tag="t",
                    builder="python",
                    size=1,
                    processes={},
                    manifest={},
                    exposed_port=None,
                    created_at=self.clock.now(),
                )
                session.add(image)
                session.flush()
                release = Release(
                    app_id=app.id,
                    version=version,
                    status="current" if version == versions else "superseded",
                    cause="deploy",
                    description=f"Deploy {version}",
                    job_id=None,
                    image_id=image.id,
                    source_id=None,
                    commit=f"{version:040x}",
                    sealed_config=self.on.vault.seal(write_snapshot({})),
                    processes=dict.fromkeys(processes, "run"),
                    manifest={},
                    port=5000,
                    created_by="ana",
                    created_at=self.clock.now(),
                    finished_at=self.clock.now(),
                    previous_id=before,
                    failure=None,
                )
                session.add(release)
                session.flush()
                before = release.id
            row = session.get(App, app.id)
            assert row is not None
            row.current_release_id, row.last_version = before, versions
        return self.app(name)


PEOPLE = (("ana", "admin"), ("ben", "member"), ("cleo", "member"))
