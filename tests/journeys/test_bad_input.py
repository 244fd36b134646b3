"""Bad input: each one clear line with a code, and nothing changed."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from shlex import quote, split

import pytest

from paas.model import App, Domain, Formation, Image, Job, Process, Session, func, select
from paas.model.job import SUCCEEDED
from tests.journeys.doors import Doors
from tests.journeys.installation import Installation
from tests.journeys.repository import Repository, small_app

APP = "victim"
COUNTED = (App, Domain, Formation, Process, Image)


@pytest.fixture(scope="module")
def victim(shared: Installation) -> Iterator[Repository]:
    """An app that serves, and after all that was tried still does."""
    repository = shared.repository(APP)
    repository.commit(small_app("unharmed"))
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    assert shared.ssh("config:set", APP, "KEPT=1", "--no-restart").returncode == 0
    assert shared.ssh("apps:create", "neighbour").returncode == 0
    shared.add_user("dora")  # no administrator: what is below PAAS_DOMAIN is not hers
    assert shared.ssh("access:add", APP, "dora", "own").returncode == 0
    yield repository
    assert shared.get(APP) == (200, "unharmed")


def facts(on: Installation) -> list[object]:
    """What a refusal must not change."""

    def count(session: Session, table: type) -> object:
        return session.scalar(select(func.count()).select_from(table))

    with on.database.read() as session:
        counts = [count(session, table) for table in COUNTED]
        current = session.execute(select(App.id, App.current_release_id, App.branch_commit).order_by(App.id)).all()
        succeeded = session.scalar(select(func.count()).select_from(Job).where(Job.state == SUCCEEDED))
    return [*counts, current, succeeded, on.ssh("config:export", APP).stdout]


@pytest.fixture(scope="module")
def doors(shared: Installation, victim: Repository) -> Doors:
    """Those of dora, who owns the app and administers nothing."""
    return Doors(shared, "dora", str(shared.ask("users:set", "dora", "--password")["password"]))


def typed(word: str) -> str:
    """What a shell makes of it."""
    return " ".join(split(word.removeprefix("-- ")))


def assert_one_clear_line(said: str, code: str) -> None:
    lines = [line for line in said.splitlines() if f"[{code}]" in line]
    assert len(lines) == 1, said
    assert "Traceback" not in said and "reference" not in said


NAMES = {
    "empty": "''", "dots": "..", "shell": "'app;id'", "long": "a" * 64, "upper": "Blog", "lookalike": "bl\u043eg",
    "newline": "'blog\n'", "space": "'a b'", "dash": "-- -blog", "slash": "a/b",
    "paas": "paas", "demo": "demo", "www": "www",
}  # fmt: skip
DOMAINS = {
    "nginx": "'a.com; location / {}'", "regex": "'~^.*$'", "space": "'a b.com'", "dashboard": "paas.localhost",
    "another app's": "neighbour.localhost", "under it": "x.neighbour.localhost", "base": "localhost", "star": "'*'",
    "newline": "'a.com\n'", "port": "a.com:80", "address": "127.0.0.1", "long": ("a" * 60 + ".") * 5 + "com",
}  # fmt: skip
CONFIG = {
    "NUL": "$'A=a\\0b'", "1 MB": None, "LD_PRELOAD": "LD_PRELOAD=/x.so", "dash": "'A-B=1'", "digit": "1A=1",
    "ours": "PAAS_HOME=/x", "no value": "JUSTKEY", "no key": "=x",
}  # fmt: skip
SCALES = {
    "negative": "web=-1", "huge": "web=1e9", "big": "web=1000000000", "many": "web=41", "unknown": "nope=1",
    "other digits": "web=\u0663", "word": "web=many", "nothing": "web=", "release": "release=1",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_that_no_app_can_have(shared: Installation, victim: Repository, doors: Doors, name: str) -> None:
    before = facts(shared)
    refused = shared.ssh("apps:create", name)
    assert refused.returncode == 1
    assert_one_clear_line(refused.stderr, "usage" if name == "-- -blog" and "usage" in refused.stderr else "app-name")
    assert doors.api("POST", "/apps", {"name": typed(name)}) == "app-name"
    assert doors.web("apps:create", name=typed(name)) == "app-name"
    assert facts(shared) == before


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_domains_that_are_no_host_names_or_somebody_elses(
    shared: Installation, victim: Repository, doors: Doors, domain: str
) -> None:
    before = facts(shared)
    refused = shared.ssh("domains:add", APP, domain, user="dora")
    assert refused.returncode == 1
    code = doors.api("POST", f"/apps/{APP}/domains", {"names": [typed(domain)]})
    assert f"[{code}]" in refused.stderr and doors.web("domains:add", app=APP, names=typed(domain)) == code
    assert refused.stderr.count("[domain") == 1 and len(refused.stderr.splitlines()) <= 2, refused.stderr
    assert facts(shared) == before


@pytest.mark.parametrize("pair", CONFIG.values(), ids=CONFIG)
def test_variables_that_no_process_can_be_given(
    shared: Installation, victim: Repository, doors: Doors, pair: str | None
) -> None:
    before = facts(shared)
    if pair is None:
        refused = shared.ssh("config:import", APP, stdin="BIG=" + "x" * 1_000_000)
    elif "\\0" in pair:
        refused = shared.ssh("config:set", APP, "--encoded", "A=YQBi")  # a NUL cannot come any other way
    else:
        refused = shared.ssh("config:set", APP, pair)
    assert refused.returncode == 1
    sent = "BIG=" + "x" * 1_000_000 if pair is None else "A=a\0b" if "\\0" in pair else typed(pair)
    code = doors.api("PATCH", f"/apps/{APP}/config", {"pairs": [sent]})
    assert f"[{code}]" in refused.stderr and doors.web("config:set", app=APP, pairs=sent) == code
    assert refused.stderr.count("[config-") == 1 and len(refused.stderr.splitlines()) <= 2, refused.stderr
    assert facts(shared) == before


@pytest.mark.parametrize("pair", SCALES.values(), ids=SCALES)
def test_scales_that_cannot_be(shared: Installation, victim: Repository, doors: Doors, pair: str) -> None:
    before = facts(shared)
    refused = shared.ssh("ps:scale", APP, quote(pair))
    assert refused.returncode == 1
    assert refused.stderr.count("[scale]") + refused.stderr.count("[process-unknown]") == 1, refused.stderr
    code = doors.api("PATCH", f"/apps/{APP}/scale", {"pairs": [pair]})
    assert f"[{code}]" in refused.stderr and doors.web("ps:scale", app=APP, pairs=pair) == code
    assert facts(shared) == before


@pytest.mark.parametrize("branch", ["$(touch x)", "--upload-pack=x"])
def test_refs_that_look_like_commands_are_only_other_branches(
    shared: Installation, victim: Repository, branch: str
) -> None:
    before = facts(shared)
    ref = f"refs/heads/{branch}".replace(" ", "\u00a0")
    pushed = victim.push("paas", f"HEAD:{ref}")
    assert pushed.returncode == 1 and "only main is deployed" in pushed.stderr, pushed.stderr
    refused = shared.ssh("git:set", APP, "deploy-branch", quote("-- " + branch if branch[0] == "-" else branch))
    assert refused.returncode == 1, refused.stdout
    assert facts(shared) == before


NESTED = "[" * 100_000 + "]" * 100_000
FILES: dict[str, tuple[dict[str, str], str]] = {
    "10 MB of Procfile": ({"Procfile": "web: x\n" + "#" * 10_000_000}, "at most"),
    "10 MB of app.json": ({"app.json": '{"name": "' + "x" * 10_000_000 + '"}'}, "at most"),
    "nested app.json": ({"app.json": NESTED}, "app.json"),
    "nested within": ({"app.json": '{"env": ' + NESTED + "}"}, "app.json"),
    "no JSON": ({"app.json": "{"}, "app.json"),
    "no Procfile line": ({"Procfile": "web python\n"}, "Procfile"),
    "no base": ({"Dockerfile": "FROM nowhere.invalid/no-such-image:1\n"}, "nowhere.invalid"),
    "no FROM": ({"Dockerfile": "RUN true\n"}, "FROM"),
    "empty Dockerfile": ({"Dockerfile": ""}, "Dockerfile"),
}


@pytest.mark.parametrize(("files", "word"), FILES.values(), ids=FILES)
def test_sources_that_cannot_be_read_or_built(
    shared: Installation, victim: Repository, files: dict[str, str], word: str
) -> None:
    before = facts(shared)
    victim.git("reset", "-q", "--hard", "paas/main")
    victim.commit(small_app("harm") | files)
    pushed = victim.push()
    assert pushed.returncode == 1 and word in pushed.stderr, pushed.stderr
    assert "Traceback" not in pushed.stderr and "reference" not in pushed.stderr
    assert "v1 still serves" in pushed.stderr
    assert facts(shared) == before


@pytest.mark.parametrize("name", ["Procfile", "app.json", "Dockerfile"])
def test_a_link_in_the_place_of_a_file_that_is_read(shared: Installation, victim: Repository, name: str) -> None:
    before = facts(shared)
    victim.git("reset", "-q", "--hard", "paas/main")
    victim.commit(small_app("harm"))
    (victim.folder / name).unlink(missing_ok=True)
    (victim.folder / name).symlink_to("/etc/passwd")
    victim.git("add", "-A")
    victim.git("commit", "-q", "-m", "link")
    pushed = victim.push()
    assert pushed.returncode == 1 and name in pushed.stderr and "link" in pushed.stderr, pushed.stderr
    assert "root:" not in pushed.stderr
    assert facts(shared) == before


def test_a_repository_without_anything_that_can_be_built(shared: Installation, victim: Repository) -> None:
    before = facts(shared)
    victim.git("reset", "-q", "--hard", "paas/main")
    victim.git("rm", "-q", "-r", ".")
    victim.commit({"README": "nothing\n"})
    pushed = victim.push()
    assert pushed.returncode == 1 and "Dockerfile" in pushed.stderr and "requirements.txt" in pushed.stderr
    assert facts(shared) == before


def test_a_full_disk_refuses_the_push_and_the_app_goes_on(own: Callable[..., Installation]) -> None:
    on = own(disk_reserve=str(10**18))
    repository = on.repository("full")
    repository.commit(small_app("one"))
    pushed = repository.push()
    assert pushed.returncode == 1
    assert_one_clear_line(pushed.stderr, "disk-full")
    assert repository.remote_branch() == ""
    second = on.paas("up", "--detach", check=False)
    assert second.returncode == 1
    assert_one_clear_line(second.stderr, "already-up")
    on.down()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("0.0.0.0", on.ssh_port))
        taken.listen()
        refused = on.paas("up", "--detach", check=False)
    assert refused.returncode == 1 and str(on.ssh_port) in refused.stderr
    assert_one_clear_line(refused.stderr, "port-taken")
    assert on.pids() == {}


def test_where_docker_is_down_commands_answer_and_pushes_are_refused(own: Callable[..., Installation]) -> None:
    on = own(docker_host="unix:///nonexistent/docker.sock")
    try:
        repository = on.repository("down")
        repository.commit(small_app("one"))
        pushed = repository.push()
        assert pushed.returncode == 1 and "Docker" in pushed.stderr, pushed.stderr
        assert_one_clear_line(pushed.stderr, "docker-down")
        assert [app["name"] for app in on.ask("apps:list")] == ["down"]
        assert on.ssh("ps", "down").returncode == 0
    finally:
        on.docker_host = "unix:///var/run/docker.sock"  # so that what is left, nothing, can be removed
