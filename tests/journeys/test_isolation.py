"""Two apps of two users who granted each other nothing: no door leads from one to the other, or to the host.

Attack: Bea, who owns `beta`, wants Ana's `alpha`: its code, variables, logs, addresses, names; or the machine itself.
She may write any source and call anything; she even knows what nobody tells her: image tags, ids, addresses.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import psutil
import pytest

from paas.commands import catalog as _catalog  # noqa: F401 - declares every command
from paas.commands.declare import REGISTRY, Command
from paas.model import Image, select
from tests.attacks.town import Tenant, Two, two_tenants, visit
from tests.journeys.installation import Installation
from tests.waiting import wait_until

NOBODY = "nosuchapp"
METADATA = "169.254.169.254"

# Given to a container or a build as one word: prints {target: "open" or why not} as JSON.
KNOCK = """
import json, socket, sys
found = {}
for target in sys.argv[1].split():
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 3).close()
        found[target] = "open"
    except OSError as error:
        found[target] = type(error).__name__
print("KNOCKED " + json.dumps(found))
"""


@pytest.fixture
def two(shared: Installation) -> Two:
    return two_tenants(shared)


# --- Doors ------------------------------------------------------------------------------------------------------------
def words_for(declared: Command, app: str, build: int) -> dict[str, Any]:
    """Plausible words for a command about `app`."""
    known = {
        "user": "admin", "name": "other-name", "key": "SECRET", "version": "v1", "before": "v1", "after": "v1",
        "build": str(build), "pairs": ["web=1"], "names": ["x.example.com"], "words": ["true"], "text": "A=1",
        "processes": ["web"],
    }  # fmt: skip
    given: dict[str, Any] = {}
    for parameter in declared.parameters:
        if parameter.is_app:
            given[parameter.name] = app
        elif parameter.required or parameter.place == "rest" or f"{{{parameter.name}}}" in declared.path:
            given[parameter.name] = known[parameter.name]
    return given


def about_an_app() -> list[Command]:
    return [declared for declared in REGISTRY.values() if declared.app_parameter is not None]


def ask_api(who: Tenant, declared: Command, app: str, build: int) -> tuple[int, str]:
    words = words_for(declared, app, build)
    path = re.sub(r"\{(\w+)\}", lambda match: str(words.pop(match[1])), declared.path)
    if declared.changes:
        status, body = who.call(declared.method, path, words)
    else:
        status, body = who.call(declared.method, f"{path}?{urlencode(words, doseq=True)}")
    return status, body.replace(app, "APP")


@pytest.mark.parametrize("declared", about_an_app(), ids=lambda declared: declared.name)
def test_the_api_knows_no_difference_between_not_yours_and_not_there(two: Two, declared: Command) -> None:
    build = two.on.jobs()[0].id
    theirs = ask_api(two.bea, declared, "alpha", build)
    assert theirs == ask_api(two.bea, declared, NOBODY, build)
    assert theirs[0] == 404


SAMPLE = [
    ["apps:info", "APP"], ["apps:exists", "APP"], ["apps:destroy", "APP", "--force"], ["config:show", "APP"],
    ["config:get", "APP", "SECRET"], ["config:export", "APP"], ["config:set", "APP", "A=1"], ["logs", "APP"],
    ["run", "APP", "env"], ["enter", "APP", "web.1", "env"], ["builds:output", "APP"], ["rollback", "APP", "v1"],
    ["domains:add", "APP", "x.example.com"], ["access:add", "APP", "owner-beta", "own"], ["ps:report", "APP"],
    ["tokens:create", "spy", "--only", "APP"], ["git:set", "APP", "deploy-branch", "x"], ["--app", "APP", "urls"],
    ["git-upload-pack", "'APP'"], ["git-upload-pack", "'/APP.git'"],
]  # fmt: skip


def test_ssh_knows_no_difference_either(two: Two) -> None:
    def ask(words: list[str], app: str) -> tuple[int, str, str]:
        answer = two.on.ssh(*(word.replace("APP", app) for word in words), user="owner-beta")
        return answer.returncode, answer.stdout.replace(app, "APP"), answer.stderr.replace(app, "APP")

    for words in SAMPLE:
        theirs = ask(words, "alpha")
        assert theirs == ask(words, NOBODY), words
        assert theirs[0] != 0, words


def test_the_pages_know_no_difference_either(two: Two) -> None:
    cookie = sign_in(two.bea)
    for path in ("", "/deployments", "/logs", "/environment", "/domains", f"/builds/{two.on.jobs()[0].id}"):
        theirs, nobodys = (visit(two.on, "GET", f"/apps/{app}{path}", {"Cookie": cookie}) for app in ("alpha", NOBODY))
        assert theirs[0] == 404
        assert theirs[2].replace("alpha", "APP") == nobodys[2].replace(NOBODY, "APP")


def test_lists_leave_the_other_s_app_out(two: Two) -> None:
    """Bea's own tries, with the name that she typed, are in her audit trail; nothing else is anywhere."""
    lists = [
        declared for declared in REGISTRY.values()
        if not declared.changes and "{" not in declared.path and declared.allow not in ("admin",)
    ]  # fmt: skip
    assert len(lists) > 8
    for declared in lists:
        status, body = two.bea.call("GET", declared.path)
        assert status == 200, body
        if declared.name == "events":
            assert {line["actor"] for line in json.loads(body)} <= {"owner-beta", "admin", "root", "paas", "platform"}
            body = json.dumps([line for line in json.loads(body) if line["actor"] != "owner-beta"])
        assert "alpha" not in body, declared.name
    page = visit(two.on, "GET", "/apps", {"Cookie": sign_in(two.bea)})[2]
    assert "beta" in page and "alpha" not in page


def test_git_gives_the_other_s_code_under_no_name(two: Two) -> None:
    app_id = two.on.app("alpha").id
    base = f"ssh://paas@127.0.0.1:{two.on.ssh_port}"
    names = ["alpha", "alpha.git", f"{app_id}", f"{app_id}.git", f"../{app_id}.git", f"beta/../{app_id}.git", "~/alpha"]
    names += [
        f"{two.on.home}/repositories/{app_id}.git",
        f"beta.git/../../repositories/{app_id}",
        f"{app_id}.git/objects",
    ]
    for name in names:
        cloned = two.bea.repository.git("ls-remote", f"{base}/{name}", check=False)
        assert cloned.returncode != 0 and cloned.stdout == "", name
    pushed = two.bea.repository.push(f"{base}/alpha", "main")
    assert pushed.returncode != 0
    assert two.on.get("alpha") == (200, "alpha")


def test_an_object_of_the_other_s_repository_cannot_be_asked_for(two: Two) -> None:
    """Protocol v2 lets a client want any object; repositories share none."""
    commit = two.ana.repository.head
    fetched = two.bea.repository.git("fetch", "paas", commit, check=False)
    assert fetched.returncode != 0
    assert two.bea.repository.git("cat-file", "-e", commit, check=False).returncode != 0


@pytest.mark.parametrize(
    "name",
    ["alpha.localhost", "ALPHA.localhost", "www.alpha.localhost", "*.alpha.localhost", "*.localhost", "localhost",
     "paas.localhost", "x.paas.localhost", "alpha.example.com", "Alpha.Example.Com", "*.com", "*"],
)  # fmt: skip
def test_a_domain_of_the_other_s_or_the_platform_s_is_not_taken(two: Two, name: str) -> None:
    if "alpha.example.com" not in two.ana.ssh("domains:report", "alpha"):
        two.ana.ssh("domains:add", "alpha", "alpha.example.com")
    for verb in ("domains:add", "domains:set"):
        refused = two.on.ssh(verb, "beta", name, user="owner-beta")
        assert refused.returncode != 0, refused.stdout
        assert "alpha" not in refused.stderr.lower().replace(name.lower(), "").replace("beta", "")
    assert two.on.get("alpha", host="alpha.example.com") == (200, "alpha")


def sign_in(who: Tenant) -> str:
    """The cookie of a session."""
    _, headers, form = visit(who.on, "GET", "/sign-in")
    before = str(headers["Set-Cookie"]).partition(";")[0]
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', form)
    body = urlencode({"name": who.name, "password": who.password, "csrf_token": token[1] if token else ""})
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "Cookie": before}
    status, headers, page = visit(who.on, "POST", "/sign-in", kind, body)
    assert status == 303, page
    return str(headers["Set-Cookie"]).partition(";")[0]


# --- Networks ---------------------------------------------------------------------------------------------------------
@dataclass
class Listener:
    """A service of the host on all its addresses; who came."""

    port: int
    visitors: list[str]


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with socket.create_server(("0.0.0.0", 0)) as server:
        visitors: list[str] = []

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, address = server.accept()
                    visitors.append(address[0])
                    line.close()

        threading.Thread(target=greet, daemon=True).start()
        yield Listener(server.getsockname()[1], visitors)
        server.shutdown(socket.SHUT_RDWR)


def forbidden_targets(two: Two, listener: Listener) -> list[str]:
    """The other's container, every address of the host with a real listener behind it, Docker, the metadata service."""
    addresses = {
        entry.address for entries in psutil.net_if_addrs().values() for entry in entries
        if entry.family == socket.AF_INET and not entry.address.startswith("127.")
    }  # fmt: skip
    container = two.ana.container
    aliases = [container["Name"].lstrip("/"), container["Id"][:12], "web.1", "alpha"]
    targets = [f"{two.ana.address}:5000", *(f"{name}:5000" for name in aliases)]
    targets += [f"{address}:{listener.port}" for address in sorted(addresses)[:12]]
    return [*targets, f"{METADATA}:80", f"127.0.0.1:{listener.port}", "host.docker.internal:22"]


def knocked(text: str) -> dict[str, str]:
    found = re.search(r"KNOCKED (\{.*\})", text)
    assert found, text
    return dict(json.loads(found[1]))


def test_a_container_reaches_neither_the_other_nor_the_host(two: Two, listener: Listener) -> None:
    targets = forbidden_targets(two, listener)
    public = f"{two.bea.container['NetworkSettings']['Networks'].popitem()[1]['Gateway']}:{two.on.http_port}"
    own = f"{two.bea.address}:5000"
    found = knocked(two.bea.run("python3", "-c", KNOCK, " ".join([*targets, public, own])))
    assert (found.pop(public), found.pop(own)) == ("open", "open")  # the probe can see
    assert "open" not in found.values(), found
    assert listener.visitors == []


def test_a_build_reaches_neither_the_other_nor_the_host(two: Two, listener: Listener) -> None:
    targets = forbidden_targets(two, listener)
    gateway = psutil.net_if_addrs()["docker0"][0].address
    public = f"{gateway}:{two.on.http_port}"
    line = json.dumps(["python3", "-c", KNOCK, " ".join([*targets, public])])
    found = knocked(two.bea.push(f"RUN {line}"))
    assert found.pop(public) == "open"
    assert "open" not in found.values(), found
    assert listener.visitors == []


def test_two_builds_do_not_reach_each_other(two: Two) -> None:
    """One build listens and tells its address to the test; another one knocks while it does."""
    said: list[str] = []
    serve = (
        "import socket; s=socket.create_server(('',5000)); t=socket.socket(2,2); t.connect(('192.0.2.1',9));"
        "print('AT', t.getsockname()[0], flush=True); s.settimeout(25);"
        "print('CAUGHT', s.accept()[1][0], flush=True)"
    )
    two.ana.repository.commit(two.ana.files(f"RUN {json.dumps(['python3', '-u', '-c', serve])}"))
    listening = two.ana.repository.start("push", "-f", "paas", "main")
    reader = threading.Thread(target=lambda: said.extend(listening.stdout or ()), daemon=True)
    reader.start()
    wait_until(lambda: re.search(r"AT ([\d.]+)\s*\n", "".join(said)), 60, "a listening build")
    at = re.findall(r"AT ([\d.]+)\s*\n", "".join(said))[0]
    found = knocked(two.bea.push(f"RUN {json.dumps(['python3', '-c', KNOCK, f'{at}:5000'])}"))
    two.ana.ssh("builds:cancel", "alpha")
    listening.wait(30)
    reader.join(60)
    assert set(found) == {f"{at}:5000"} and "open" not in found.values()
    assert not any(re.search(r"CAUGHT [\d.]+", line) for line in said)


# --- Images and caches ------------------------------------------------------------------------------------------------
def test_a_push_cannot_build_on_the_other_s_image(two: Two) -> None:
    with two.on.database.read() as session:
        image = session.scalars(select(Image).where(Image.app_id == two.on.app("alpha").id)).first()
    assert image is not None
    halves = image.tag[:2], image.tag[2:]
    for lines in (
        [f"COPY --from={image.tag} /app /stolen"],
        [f"FROM {image.tag}"],
        [f"FROM {image.docker_id}"],
        [f"RUN --mount=type=bind,from={image.tag},target=/a cat /a/app/server.py"],
        [f'FROM {halves[0]}""{halves[1]}'],
        [f"FROM {halves[0]}\\{halves[1]}"],
        [f"FROM '{halves[0]}'{halves[1]}"],
    ):
        said = two.bea.push(*lines, "RUN cat /stolen/server.py /a/server.py /app/server.py | head -1")
        assert two.ana.said not in said
        assert "image-reference" in said, said


def test_the_same_line_gives_each_app_a_layer_of_its_own(two: Two) -> None:
    """Both Dockerfiles hold the very same RUN with a secret, which writes chance into a file."""
    assert two.ana.files()["Dockerfile"] == two.bea.files()["Dockerfile"]
    ana, bea = (who.run("cat", "/once").split()[0] for who in (two.ana, two.bea))
    assert len(ana) == len(bea) == 64 and ana != bea
    two.ana.ssh("config:set", "--no-restart", "--build", "alpha", f"TOKEN={two.ana.build_secret}x")
    two.ana.ssh("ps:rebuild", "alpha")
    assert two.ana.run("cat", "/once").split()[0] != ana  # another secret: the step runs anew
    two.ana.ssh("config:set", "--no-restart", "--build", "alpha", f"TOKEN={two.ana.build_secret}")
