"""Each folder of tests/apps/ is a test: an app, and an executable `verify` that is given the URL of its web process.

The real builder, base images and buildpacks make the image. Every process of the app is started as a deploy would start
it, and `verify` finds in the folder $APP_LOGS what each of them printed (`worker.log`). A Dockerfile that says `ARG
PYTHON` (or GO, DEBIAN) before its FROM is given that base image, since a registry is not everywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from paas.adapters.buildkit import BuildKit
from paas.adapters.docker_engine import Engine
from paas.adapters.templates import BuildpackFolders
from paas.errors import BuildError
from paas.ports import BuildOrder
from paas.rules import names
from paas.rules.builder import BuilderChoice, BuilderWish, choose_builder
from paas.rules.buildpack import parse_buildpack
from paas.rules.buildpack_plan import DOCKERFILE_PATH, BuildpackPlan, plan_build, template_facts
from paas.rules.launch import process_command, process_entrypoint
from paas.rules.port import choose_port
from paas.rules.procfile import PROCFILE, parse_procfile
from paas.rules.recipe import choose_processes
from paas.rules.secret import Secret
from paas.settings import Settings
from tests.engine import HOST

ROOT = Path(__file__).parent.parent
APPS = Path(__file__).parent / "apps"
ROOM = "t-apps"
INSTALLATION = f"{ROOM}-{os.getpid()}"  # what the dead left can be told from what runs now
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BASES = {"PYTHON": "python-3.11", "GO": "go-1.19", "DEBIAN": "debian"}

APP_FOLDERS = [*sorted(path for path in APPS.iterdir() if path.is_dir()), ROOT / "examples" / "hello"]


def _remove(client: docker.DockerClient, installation: str) -> None:
    wanted = {"label": f"{names.LABEL_INSTALLATION}={installation}"}
    for container in client.containers.list(all=True, filters=wanted, ignore_removed=True):
        container.remove(force=True, v=True)
    for image in client.images.list(filters=wanted):
        client.images.remove(image.id, force=True)


def _remove_what_the_dead_left(client: docker.DockerClient) -> None:
    wanted = {"label": names.LABEL_INSTALLATION}
    left = [*client.containers.list(all=True, filters=wanted, ignore_removed=True), *client.images.list(filters=wanted)]
    for installation in {one.labels[names.LABEL_INSTALLATION] for one in left}:
        room, _, pid = installation.rpartition("-")
        if room == ROOM and not Path(f"/proc/{pid}").exists():
            _remove(client, installation)


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(HOST)
    _remove_what_the_dead_left(client)
    yield client
    _remove(client, INSTALLATION)
    client.close()


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory, client: docker.DockerClient) -> BuildKit:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        docker_host=HOST,
        build_ca_certificates=CERTIFICATES if CERTIFICATES.exists() else None,
    )
    return BuildKit(settings, Engine(HOST, INSTALLATION), ROOT / "deploy" / "base-images")


@dataclass(frozen=True)
class Plan:
    """What a deploy would decide about an app's folder."""

    choice: BuilderChoice
    pack: BuildpackPlan | None
    processes: Mapping[str, str | None]


def plan_app(folder: Path, builder: BuildKit, templates: BuildpackFolders) -> Plan:
    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]

    def read(path: str) -> bytes | None:
        return (folder / path).read_bytes() if (folder / path).is_file() else None

    packs = {name: parse_buildpack(name, text) for name, text in templates.buildpacks().items()}
    choice = choose_builder(BuilderWish(), packs, files, read)
    pack = None
    if choice.buildpack is not None and choice.facts is not None:
        pack = plan_build(choice.buildpack, choice.facts, builder.base_origin())
    procfile = read(PROCFILE)
    parsed = parse_procfile(procfile) if procfile is not None else None
    return Plan(choice, pack, choose_processes(parsed, pack.processes if pack else {}))


def order_for(
    folder: Path,
    source: Path,
    plan: Plan,
    builder: BuildKit,
    templates: BuildpackFolders,
    variables: Mapping[str, Secret] | None = None,
) -> BuildOrder:
    with tarfile.open(source, "w") as tar:
        tar.add(folder, "", filter=lambda member: None if member.name == "verify" else member)
    app_id = hashlib.sha256(folder.name.encode()).hexdigest()[:8]
    arguments = {"GIT_REV": "0123456789abcdef", "SOURCE_VERSION": "0123456789abcdef", "PAAS_APP": folder.name}
    files: Mapping[str, bytes] = {}
    if plan.pack:
        references = {role: builder.base(name, print).reference for role, name in plan.pack.bases.items()}
        files = templates.render(plan.pack.buildpack, template_facts(plan.pack, references, list(variables or {})))
    else:
        words = (folder / plan.choice.dockerfile).read_text().split()
        arguments |= {name: builder.base(base, print).reference for name, base in BASES.items() if name in words}
    return BuildOrder(
        app_id=app_id,
        app_name=folder.name,
        tag=names.image_tag(app_id, secrets.token_hex(16)),
        source=source,
        dockerfile=DOCKERFILE_PATH if plan.pack else plan.choice.dockerfile,
        files=files,
        arguments=arguments,
        secrets=variables or {},
        cache_key=secrets.token_hex(8) if variables else "",  # as in a deploy: another value, another layer
        labels={names.LABEL_INSTALLATION: INSTALLATION},
    )


@pytest.mark.timeout(600)  # the first one makes base images
@pytest.mark.parametrize("folder", APP_FOLDERS, ids=lambda folder: folder.name)
def test_the_app_is_built_started_and_verified(
    folder: Path, builder: BuildKit, client: docker.DockerClient, tmp_path: Path
) -> None:
    templates = BuildpackFolders(ROOT / "buildpacks")
    plan = plan_app(folder, builder, templates)
    print(plan.choice.reason)
    order = order_for(folder, tmp_path / "source.tar", plan, builder, templates)
    started = time.monotonic()
    builder.build(order, print, lambda: False, lambda pid: None)
    print(f"built in {time.monotonic() - started:.2f} s")
    with contextlib.ExitStack() as stack:
        address, logs = run_app(client, order.tag, plan, tmp_path, stack)
        done = subprocess.run(
            [APPS / folder.name / "verify", f"http://{address}"] if folder.parent == APPS else ["curl", "-fsS", f"http://{address}/healthz"],
            capture_output=True, text=True, timeout=60, env=os.environ | {"APP_LOGS": str(logs)},
        )  # fmt: skip
        printed = {path.name: path.read_text()[-2000:] for path in logs.iterdir()}
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{printed}"


def run_app(
    client: docker.DockerClient, tag: str, plan: Plan, tmp_path: Path, stack: contextlib.ExitStack
) -> tuple[str, Path]:
    """Start all processes; (address of the web process, folder of what they print)."""
    image = client.images.get(tag)
    exposed = [
        int(port.split("/")[0]) for port in image.attrs["Config"].get("ExposedPorts") or {} if port.endswith("tcp")
    ]
    port = choose_port(None, exposed).number
    entrypoint = tuple(image.attrs["Config"].get("Entrypoint") or ())
    logs = tmp_path / "logs"
    logs.mkdir()
    address = ""
    for kind, text in plan.processes.items():
        container = start_process(client, tag, kind, text, port, entrypoint, is_ours=plan.pack is not None)
        stack.callback(container.remove, force=True, v=True)
        follow(container, logs / f"{kind}.log", stack)
        if kind == "web":
            container.reload()
            address = f"{container.attrs['NetworkSettings']['IPAddress']}:{port}"
            wait_until_it_accepts(container, address)
    return address, logs


def follow(container: Container, log: Path, stack: contextlib.ExitStack) -> None:
    """Write what the container prints as it prints it."""
    file = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(["docker", "logs", "--follow", container.id], stdout=file, stderr=subprocess.STDOUT)
    stack.callback(process.wait)
    stack.callback(process.kill)


def start_process(
    client: docker.DockerClient,
    tag: str,
    kind: str,
    text: str | None,
    port: int,
    entrypoint: tuple[str, ...],
    *,
    is_ours: bool,
) -> Container:
    given: dict[str, object] = {}
    if text is not None:
        given["command"] = list(process_command(text, is_ours=is_ours))
        cleared = process_entrypoint(entrypoint, is_ours=is_ours)
        if cleared is not None:
            given["entrypoint"] = list(cleared)
    return client.containers.run(
        tag, detach=True, init=True, name=f"paas-t-apps-{kind}-{secrets.token_hex(4)}",
        environment={"PORT": str(port), "PAAS_RELEASE": "v1"} if kind == "web" else {"PAAS_RELEASE": "v1"},
        labels={names.LABEL_INSTALLATION: INSTALLATION, names.LABEL_TYPE: kind},
        cap_drop=["ALL"], security_opt=["no-new-privileges"], mem_limit="512m", **given,
    )  # fmt: skip


def wait_until_it_accepts(container: Container, address: str, timeout: float = 30) -> None:
    host, _, port = address.rpartition(":")
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        container.reload()
        if container.status == "exited":
            break
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"{container.name} does not accept connections:\n{container.logs().decode()[-3000:]}")


def test_a_code_only_change_installs_nothing(builder: BuildKit, tmp_path: Path) -> None:
    """Dependencies have a layer of their own; 0.1 s on two idle cores (tests/bench measures it)."""
    templates = BuildpackFolders(ROOT / "buildpacks")
    folder = tmp_path / "hello"
    shutil.copytree(ROOT / "examples" / "hello", folder)
    plan = plan_app(folder, builder, templates)
    lines: list[str] = []
    took = []
    for number in range(3):
        (folder / "app.py").write_text(f"{(folder / 'app.py').read_text()}\n# change {number} {secrets.token_hex(8)}\n")
        order = order_for(folder, tmp_path / "source.tar", plan, builder, templates)
        lines.clear()
        started = time.monotonic()
        builder.build(order, lines.append, lambda: False, lambda pid: None)
        took.append(time.monotonic() - started)
    print("code-only builds:", " ".join(f"{seconds:.2f} s" for seconds in took[1:]))
    installs = [line for line in lines if " RUN " in line and "uv " in line]
    assert installs and all(line.endswith("(cached)") for line in installs), lines


def test_a_build_that_leaves_nothing_to_serve_says_so_in_one_line(builder: BuildKit, tmp_path: Path) -> None:
    templates = BuildpackFolders(ROOT / "buildpacks")
    folder = tmp_path / "nothing"
    folder.mkdir()
    (folder / "package.json").write_text('{"scripts": {"build": "echo done"}}')
    plan = plan_app(folder, builder, templates)
    order = order_for(folder, tmp_path / "source.tar", plan, builder, templates)
    with pytest.raises(BuildError) as caught:
        builder.build(order, print, lambda: False, lambda pid: None)
    assert caught.value.message == (
        "The build left no index.html in dist, build, _site, out or public, and no start script serves anything else"
    )


NOTE = """{"scripts": {"build": "node build.js", "start": "node server.js"}}"""
BUILD = """
const hash = require('crypto').createHash('sha256').update(process.env.NOTE).digest('hex')
require('fs').writeFileSync('hash.txt', hash)
"""


def test_a_variable_of_the_build_reaches_the_build_script_unchanged_and_stays_out_of_the_image(
    builder: BuildKit, client: docker.DockerClient, tmp_path: Path
) -> None:
    value = f'it\'s "quoted" $HOME `id` \\ ü\n second line {secrets.token_hex(8)}\n\n'
    templates = BuildpackFolders(ROOT / "buildpacks")
    folder = tmp_path / "note"
    folder.mkdir()
    (folder / "package.json").write_text(NOTE)
    (folder / "build.js").write_text(BUILD)
    plan = plan_app(folder, builder, templates)
    order = order_for(folder, tmp_path / "source.tar", plan, builder, templates, {"NOTE": Secret(value)})
    builder.build(order, print, lambda: False, lambda pid: None)
    container = client.containers.create(order.tag, ["cat", "hash.txt"])
    try:
        container.start()
        container.wait(timeout=60)  # to its end: logs that are followed meanwhile may miss what it says last
        printed = container.logs(stderr=False).decode()
    finally:
        container.remove(force=True)
    assert printed == hashlib.sha256(value.encode()).hexdigest()
    history = str(client.images.get(order.tag).history()) + str(client.images.get(order.tag).attrs)
    assert value.split()[-1] not in history
