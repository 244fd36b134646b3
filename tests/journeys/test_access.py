"""Who is let in, and how far? Strangers nowhere; a member without a grant is told that there is no such app."""

from __future__ import annotations

import json
import secrets
import subprocess
from http.client import HTTPConnection

import pytest

from tests.journeys.installation import Installation
from tests.journeys.repository import Repository, small_app

THEIRS, NOBODYS = "private", "no-such-app"


@pytest.fixture(scope="module")
def private(shared: Installation) -> Repository:
    """An app of the administrator, with a member `mo` beside it who was granted nothing."""
    repository = shared.repository(THEIRS)
    repository.commit(small_app("private"))
    assert repository.push().returncode == 0
    shared.add_user("mo")
    return repository


def api(on: Installation, method: str, path: str, token: str = "", body: object = None) -> tuple[int, dict[str, str]]:
    headers = {"Host": f"paas.{on.settings.get('domain', 'localhost')}", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = HTTPConnection("127.0.0.1", on.http_port, timeout=60)
    try:
        connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def stranger(on: Installation, name: str) -> str:
    """A key that nobody registered."""
    key = on.folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return name


def test_a_stranger_is_refused_in_ssh_git_and_api(shared: Installation, private: Repository) -> None:
    nobody = stranger(shared, "nobody")
    asked = shared.ssh("apps:list", user=nobody)
    assert (asked.returncode, asked.stdout) == (255, "")
    assert "Permission denied (publickey)" in asked.stderr
    theirs = shared.repository(THEIRS, user=nobody)
    theirs.commit(small_app("stolen"))
    pushed = theirs.push()
    assert pushed.returncode == 128 and "Permission denied (publickey)" in pushed.stderr
    assert theirs.git("fetch", "paas", check=False).returncode == 128
    for token in ("", "paas_" + secrets.token_hex(16), "x" * 5000):
        status, body = api(shared, "GET", f"/apps/{THEIRS}", token)
        assert (status, body["code"]) == (401, "unauthenticated")
    assert shared.get(THEIRS) == (200, "private")


def test_a_registered_key_opens_no_other_user_than_paas(shared: Installation) -> None:
    command = ["ssh", *shared.ssh_options(), "root@127.0.0.1", "--", "apps:list"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert asked.returncode == 255 and "Permission denied (publickey)" in asked.stderr


@pytest.mark.parametrize(
    "words",
    ["apps:info", "config:show", "config:get APP KEY", "logs", "ps", "ps:restart", "releases", "rollback", "run APP id",
     "enter APP web", "builds:output", "apps:destroy APP --force", "domains:add APP a.example.com", "access:list"],
)  # fmt: skip
def test_a_member_without_a_grant_meets_the_same_refusal_as_for_an_app_that_is_not_there(
    shared: Installation, private: Repository, words: str
) -> None:
    line = words if " " in words else f"{words} APP"
    theirs, nobodys = (shared.ssh(*line.replace("APP", app).split(), user="mo") for app in (THEIRS, NOBODYS))
    assert theirs.returncode == nobodys.returncode == 20
    assert theirs.stdout == nobodys.stdout == ""
    assert theirs.stderr.replace(THEIRS, "APP") == nobodys.stderr.replace(NOBODYS, "APP")


def test_git_and_the_api_tell_a_member_without_a_grant_no_more(shared: Installation, private: Repository) -> None:
    fetched = [shared.repository(app, user="mo").git("fetch", "paas", check=False) for app in (THEIRS, NOBODYS)]
    assert [answer.returncode for answer in fetched] == [128, 128]
    assert fetched[0].stderr.replace(THEIRS, "APP") == fetched[1].stderr.replace(NOBODYS, "APP")
    mine = shared.repository(THEIRS, user="mo")
    mine.commit(small_app("mine"))
    pushed = mine.push()
    assert pushed.returncode == 128 and f"App {THEIRS} does not exist" in pushed.stderr
    token = shared.ask("tokens:create", "laptop", user="mo")["token"]
    for method, path in (("GET", ""), ("GET", "/config"), ("GET", "/builds"), ("POST", "/restart"), ("DELETE", "")):
        theirs, nobodys = (api(shared, method, f"/apps/{app}{path}", token, {}) for app in (THEIRS, NOBODYS))
        assert theirs[0] == nobodys[0] == 404
        assert str(theirs[1]).replace(THEIRS, "APP") == str(nobodys[1]).replace(NOBODYS, "APP")
    assert THEIRS not in shared.ssh("apps:list", user="mo").stdout
    assert shared.get(THEIRS) == (200, "private")


def test_a_grant_opens_what_it_names_and_no_more(shared: Installation, private: Repository) -> None:
    shared.add_user("vi")
    assert shared.ssh("access:add", THEIRS, "vi", "view").returncode == 0
    assert shared.ssh("ps", THEIRS, user="vi").returncode == 0
    refused = shared.ssh("ps:restart", THEIRS, user="vi")
    assert refused.returncode == 1 and "[forbidden]" in refused.stderr
    theirs = shared.repository(THEIRS, user="vi")
    assert theirs.git("fetch", "-q", "paas", check=False).returncode == 0
    theirs.git("reset", "-q", "--hard", "paas/main")
    theirs.commit(small_app("by vi"))
    pushed = theirs.push()
    assert pushed.returncode != 0 and shared.get(THEIRS) == (200, "private")
    assert shared.ssh("access:add", THEIRS, "vi", "deploy").returncode == 0
    pushed = theirs.push()
    assert pushed.returncode == 0, pushed.stderr
    assert shared.get(THEIRS) == (200, "by vi")
    assert shared.ssh("access:remove", THEIRS, "vi").returncode == 0
    assert shared.ssh("ps", THEIRS, user="vi").returncode == 20
