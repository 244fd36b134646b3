"""A real SSH door in a temporary home, and the real OpenSSH client and git to knock at it with."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from paas.adapters.git import GitRepositories
from paas.adapters.logfiles import LogFiles
from paas.adapters.system import FileFaults, SystemClock
from paas.context import SshPlatform
from paas.model import App, Base, Database, Grant, SshKey, User
from paas.settings import Settings
from paas.ssh.server import SshServer
from tests.fakes.vault import FakeVault
from tests.ssh.standin import StandInWorker

ASSETS = Path(__file__).parents[2] / "deploy" / "git"
FOLDERS = ("repositories", "inbox/ssh", "keys", "run", "logs", "logs/jobs", "database")


@dataclass
class Door:
    platform: SshPlatform
    server: SshServer
    worker: StandInWorker
    home: Path  # of the people
    port: int

    @property
    def database(self) -> Database:
        return self.platform.database

    def person(self, name: str, role: str = "member", kind: str = "ed25519") -> Person:
        """A user with a key of this kind."""
        key = self.home / f"{name}.{kind}"
        make_key(key, kind)
        words = key.with_name(key.name + ".pub").read_text().split()
        listed = subprocess.run(["ssh-keygen", "-lf", key], check=True, capture_output=True, text=True).stdout
        now = datetime.now(UTC)
        with self.database.write() as session:
            user = User(name=name, role=role, created_at=now)
            session.add(user)
            session.flush()
            session.add(
                SshKey(
                    user_id=user.id,
                    name="key",
                    fingerprint=listed.split()[1],
                    kind=words[0],
                    public_key=words[1],
                    created_at=now,
                )
            )
        return Person(self, name, key, user.id)

    def stranger(self) -> Person:
        key = self.home / "stranger"
        if not key.exists():
            make_key(key, "ed25519")
        return Person(self, "stranger", key, 0)

    def app(self, name: str, **grants: str) -> App:
        """An app with an eight-letter id made of its name; grants by the person's name."""
        with self.database.write() as session:
            app = App(id=(name.replace("-", "") + "00000000")[:8], name=name, created_at=datetime.now(UTC))
            session.add(app)
            session.flush()
            for user in session.query(User).all():
                if user.name in grants:
                    session.add(Grant(user_id=user.id, app_id=app.id, level=grants[user.name]))
        return app


@dataclass
class Person:
    """Somebody with a key, who uses OpenSSH and git."""

    door: Door
    name: str
    key: Path
    user_id: int
    user: str = "paas"
    options: tuple[str, ...] = ()

    def as_user(self, user: str) -> Person:
        return replace(self, user=user)

    def with_options(self, *options: str) -> Person:
        return replace(self, options=(*self.options, *options))

    def ssh_words(self) -> list[str]:
        settings = ("IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        words = ["ssh", "-F", "/dev/null", "-p", str(self.door.port), "-i", str(self.key), "-o", "BatchMode=yes"]
        return [*words, *(word for setting in settings for word in ("-o", setting)), *self.options]

    def ssh(
        self, *command: str, stdin: str = "", timeout: float = 20, term: str = ""
    ) -> subprocess.CompletedProcess[str]:
        words = [*self.ssh_words(), f"{self.user}@127.0.0.1", *command]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.door.home), "TERM": term}
        return subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=timeout, env=environment, check=False
        )

    def git(self, *words: str, cwd: Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *words], cwd=cwd, env=self.git_environment(), capture_output=True, text=True, timeout=timeout,
            check=False,
        )  # fmt: skip

    def start_git(self, *words: str, cwd: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["git", *words], cwd=cwd, env=self.git_environment(), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in what a shell puts behind `&`
        )  # fmt: skip

    def git_environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.door.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ana",
            "GIT_AUTHOR_EMAIL": "ana@example.com",
            "GIT_COMMITTER_NAME": "Ana",
            "GIT_COMMITTER_EMAIL": "ana@example.com",
            "GIT_SSH_COMMAND": " ".join(self.ssh_words()),
        }

    def repository(self, folder: Path, files: dict[str, str], app: str = "blog", branch: str = "main") -> Path:
        """A fresh repository with one commit and the remote `paas`."""
        folder.mkdir()
        self.git("init", "-q", f"--initial-branch={branch}", cwd=folder)
        self.git("remote", "add", "paas", f"ssh://{self.user}@127.0.0.1:{self.door.port}/{app}", cwd=folder)
        self.commit(folder, files)
        return folder

    def commit(self, folder: Path, files: dict[str, str], message: str = "A change") -> str:
        for path, body in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(body)
        self.git("add", "-A", cwd=folder)
        self.git("commit", "-q", "--allow-empty", "-m", message, cwd=folder)
        return self.git("rev-parse", "HEAD", cwd=folder).stdout.strip()


def make_key(path: Path, kind: str) -> None:
    bits = {"rsa": ["-b", "2048"], "ecdsa": ["-b", "256"]}.get(kind, [])
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-f", path], check=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def make_platform(home: Path, **settings: object) -> SshPlatform:
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True, exist_ok=True)
    values = {"home": home, "bind": "127.0.0.1", "ssh_port": free_port(), "ssh_user": getpass.getuser()}
    made = Settings(**{**values, **settings})
    database = Database(made.url)
    Base.metadata.create_all(database.engine)
    logs = LogFiles(home / "logs")
    return SshPlatform(
        settings=made,
        installation="test",
        database=database,
        clock=SystemClock(),
        vault=FakeVault(),
        logs=logs,
        worker=StandInWorker(database, logs),
        faults=FileFaults(None),
        repositories=GitRepositories(home / "repositories", ASSETS, made.ssh_user, made.push_limit),
    )


@contextmanager
def open_door(folder: Path, host_keys: Path | None = None, **settings: object) -> Iterator[Door]:
    """`host_keys`: a folder of keys to use, for speed."""
    people = folder / "people"
    people.mkdir()
    platform = make_platform(folder / "home", **settings)
    if host_keys is not None:
        shutil.copytree(host_keys, platform.settings.folder("keys"), dirs_exist_ok=True)
    server = SshServer(platform)
    server.start()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    worker = platform.worker
    assert isinstance(worker, StandInWorker)
    try:
        yield Door(platform, server, worker, people, server.port)
    finally:
        server.stop()
        thread.join()
        worker.stop()
        platform.database.close()
