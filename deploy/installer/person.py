"""Who typed this, and how do they reach the platform? Their SSH key, what they know of our host key, and their words.

Under sudo that is the user who typed it, not root. ssh(1) looks into the password file's home folder, not into $HOME.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from installer.steps import InstallError, run
from installer.wishes import Wishes

HOST = "localhost"


@dataclass(frozen=True)
class Person:
    name: str
    home: Path
    uid: int
    gid: int

    @property
    def public_key(self) -> Path:
        return self.home / ".ssh" / "id_ed25519.pub"

    @property
    def key_name(self) -> str:
        return f"{self.name}@{socket.gethostname()}"[:64]

    def command(self, *words: str) -> list[str]:
        """The words, run as this person."""
        return list(words) if self.uid == 0 else ["runuser", "-u", self.name, "--", *words]

    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "GIT_TERMINAL_PROMPT": "0"}

    def run(self, words: Sequence[str], hint: str, cwd: Path | None = None) -> str:
        return run(self.command(*words), hint, environment=self.environment(), cwd=cwd or self.home)

    def has_git_identity(self) -> bool:
        """Does git know in whose name they commit?"""
        words = self.command("git", "config", "user.email")
        environment = {**os.environ, **self.environment()}
        return subprocess.run(words, env=environment, cwd="/", capture_output=True, check=False).returncode == 0

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def caller() -> Person:
    entry = pwd.getpwnam(os.environ.get("SUDO_USER") or "root")
    return Person(entry.pw_name, Path(entry.pw_dir), entry.pw_uid, entry.pw_gid)


def ssh_words(wishes: Wishes) -> list[str]:
    """`ssh -p 2222 paas@localhost`, as a person would type it."""
    port = [] if wishes.ssh_port == 22 else ["-p", str(wishes.ssh_port)]
    return ["ssh", *port, f"paas@{HOST}"]


def git_remote(wishes: Wishes, app: str) -> str:
    port = "" if wishes.ssh_port == 22 else f":{wishes.ssh_port}"
    return f"ssh://paas@{HOST}{port}/{app}"


def make_key(person: Person) -> bool:
    """Make ~/.ssh/id_ed25519 unless it is there."""
    private = person.public_key.with_suffix("")
    _make_ssh_folder(person)
    if private.exists():
        if not person.public_key.exists():
            text = person.run(["ssh-keygen", "-y", "-f", str(private)], f"write {person.public_key} by hand")
            person.public_key.write_text(text)
            person.own(person.public_key)
        return False
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person.key_name, "-f", str(private)]
    person.run(words, f"make {private} by hand")
    return True


def trust_host_key(person: Person, wishes: Wishes) -> None:
    """Write our host key into ~/.ssh/known_hosts in place of any other for this address."""
    key = (wishes.home / "keys" / "ssh_host_ed25519_key.pub").read_text().split()
    known = person.home / ".ssh" / "known_hosts"
    _make_ssh_folder(person)
    lines = known.read_text().splitlines() if known.exists() else []
    names = [name if wishes.ssh_port == 22 else f"[{name}]:{wishes.ssh_port}" for name in (HOST, "127.0.0.1")]
    others = [line for line in lines if not line.strip() or line.split()[0] not in {*names, ",".join(names)}]
    known.write_text("\n".join([*others, f"{','.join(names)} {key[0]} {key[1]}"]) + "\n")
    known.chmod(0o600)
    person.own(known)


def push(person: Person, folder: Path) -> None:
    """`git push paas main`, its lines told as they come. Raises InstallError when it is refused."""
    words = person.command("git", "push", "paas", "main")
    environment = {**os.environ, **person.environment()}
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        last = ""
        for line in process.stdout or ():
            last = line.strip() or last
            print(f"       {line.rstrip()}", flush=True)
    if process.returncode:
        raise InstallError(f"git push failed: {last}", f"read the lines above, then: cd {folder} && git push paas main")


def _make_ssh_folder(person: Person) -> None:
    folder = person.home / ".ssh"
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True)
        person.own(folder)
