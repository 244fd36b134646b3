"""How does a fresh installation get its administrator and its first app, pushed with git and seen through nginx?"""

from __future__ import annotations

import http.client
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from installer.person import Person, git_remote, push, ssh_words
from installer.release import Release
from installer.steps import InstallError, run
from installer.wishes import Wishes

ADMIN = "admin"
APP = "hello"
TOKEN = "quickstart"  # noqa: S105 - the name of a token
LOOK = "look at: paas status, paas doctor"
PATIENCE = 5.0


@dataclass(frozen=True)
class Facts:
    """What quickstart.json holds: how people and programs reach this installation."""

    app_url: str
    dashboard_url: str
    api_url: str
    api_token: str
    git_remote: str
    ssh_command: str
    paas_command: str
    admin_user: str
    admin_password: str


def facts_file(wishes: Wishes) -> Path:
    return wishes.home / "quickstart.json"


def read_facts(wishes: Wishes) -> dict[str, str]:
    """Those of the first run; empty before."""
    try:
        stored: dict[str, str] = json.loads(facts_file(wishes).read_text())
    except (OSError, ValueError):
        return {}
    return stored


def write_facts(wishes: Wishes, facts: Facts) -> None:
    path = facts_file(wishes)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(asdict(facts), indent=2) + "\n")
    fresh.replace(path)


def make_admin(release: Release) -> str:
    """The administrator. Returns the password, once; empty when the account was there already."""
    password = ""
    users: list[dict[str, Any]] = json.loads(run([release.paas, "users:list", "--format", "json"], LOOK))
    if not any(user["name"] == ADMIN for user in users):
        words = [release.paas, "users:add", ADMIN, "--role", "admin", "--format", "json"]
        password = str(json.loads(run(words, LOOK))["password"])
    return password


def add_key(release: Release, key: str, name: str) -> None:
    """Let a key act as the administrator, unless it does already."""
    listed = json.loads(run([release.paas, "ssh-keys:list", "--user", ADMIN, "--format", "json"], LOOK))
    if any(one["fingerprint"] == _fingerprint(key) for one in listed):
        return
    taken = {one["name"] for one in listed}
    free = next(text for number in range(1, 1000) if (text := name if number == 1 else f"{name}-{number}") not in taken)
    run([release.paas, "ssh-keys:add", free, "--user", ADMIN], LOOK, stdin=key)


def make_token(release: Release, wishes: Wishes) -> str:
    """The API token of the first run, else a new one."""
    if token := read_facts(wishes).get("api_token"):
        return token
    words = [release.paas, "tokens:create", TOKEN, "--user", ADMIN, "--days", "0", "--format", "json"]
    return str(json.loads(run(words, LOOK))["token"])


def deploy_hello(release: Release, person: Person, wishes: Wishes) -> Path:
    """Create the app by ssh, make a repository of examples/hello in the caller's home, push it."""
    ssh = ["ssh", "-o", "BatchMode=yes", *ssh_words(wishes)[1:]]
    apps = json.loads(person.run([*ssh, "apps:list", "--format", "json"], LOOK))
    if not any(app["name"] == APP for app in apps):
        person.run([*ssh, "apps:create", APP], LOOK)
    folder = person.home / "paas-hello"
    if not (folder / ".git").exists():
        _make_repository(release.folder / "examples" / APP, folder, person, wishes)
    push(person, folder)
    return folder


def fetch_page(wishes: Wishes) -> int:
    """Status of the app's page, asked of nginx under the app's name."""
    deadline = time.monotonic() + PATIENCE
    while True:
        status = _ask(wishes)
        if status == 200 or (wishes.is_https and status in (301, 307, 308)):
            return status
        if time.monotonic() > deadline:
            raise InstallError(f"The page of {APP} answers {status or 'nothing'}", "paas logs hello; paas doctor")
        time.sleep(0.2)


def _ask(wishes: Wishes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", wishes.http_port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": f"{APP}.{wishes.domain}"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _make_repository(source: Path, folder: Path, person: Person, wishes: Wishes) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        person.own(path)
    identity = {} if person.has_git_identity() else {"user.name": person.name, "user.email": person.key_name}
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        *(["config", key, value] for key, value in identity.items()),  # or their own first commit would be refused
        ["remote", "add", "paas", git_remote(wishes, APP)],
        ["add", "--all"],
        ["commit", "--quiet", "-m", "The bundled example"],
    ):
        person.run(["git", *words], f"remove {folder} and run it again", cwd=folder)


def _fingerprint(key: str) -> str:
    """`SHA256:...` of a public key line (ssh-keygen(1))."""
    return run(["ssh-keygen", "-l", "-f", "-"], "is this an OpenSSH public key?", stdin=key).split()[1]
