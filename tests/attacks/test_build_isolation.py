"""Attack: a tenant writes a Dockerfile, names build variables or crafts a source so that the build gives it another
tenant's code or secrets, reaches the host, or runs code as root there.

Each test says what is tried. They run against the real engine.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from paas.errors import BuildError, PaasError
from paas.rules.secret import Secret
from tests.builders import Workshop, workshop
from tests.engine import new_app_id

VICTIM, ATTACKER = new_app_id(), new_app_id()  # fresh: what a former run cached would hide a leak
PRINT_SECRET = "RUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN > /layer.txt; cat /run/secrets/TOKEN | rev"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path) as made:
        yield made


@pytest.fixture
def host_server() -> Iterator[tuple[int, list[str]]]:
    """A service on the host's loopback that no build may reach; what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"secret of the host")

        do_HEAD = do_GET  # noqa: N815 - http.server names it so

        def log_message(self, *words: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "lines",
    [
        ["COPY --from={tag} /secret.txt /", "RUN cat /secret.txt"],
        ["RUN --mount=type=bind,from={tag},target=/a cat /a/secret.txt"],
        ["COPY --from=docker.io/{tag} /secret.txt /", "RUN cat /secret.txt"],
        ["COPY --from={id} /secret.txt /", "RUN cat /secret.txt"],
        ["COPY --from={short} /secret.txt /", "RUN cat /secret.txt"],
        ["COPY --from={repository}@{id} /secret.txt /", "RUN cat /secret.txt"],
        ["FROM {tag}", "RUN cat /secret.txt"],
        ["FROM {id}", "RUN cat /secret.txt"],
        ["FROM {short}", "RUN cat /secret.txt"],
        ["ONBUILD COPY --from={tag} / /"],
    ],
)
def test_app_b_uses_app_a_s_image_by_tag_id_or_digest(room: Workshop, lines: list[str]) -> None:
    content = secrets.token_hex(16)
    image = room.build(room.dockerfile("COPY secret.txt /") | {"secret.txt": content}, VICTIM)
    repository = image.tag.partition(":")[0]
    words = {"tag": image.tag, "id": image.id, "short": image.id[7:19], "repository": repository}
    with pytest.raises(BuildError) as refused:
        room.build(room.dockerfile(*(line.format(**words) for line in lines)), ATTACKER)
    assert refused.value.code == "image-reference"
    assert content not in room.log


def test_app_b_names_app_a_s_image_through_a_build_argument(room: Workshop) -> None:
    image = room.build(room.dockerfile("RUN echo victim"), VICTIM)
    with pytest.raises(BuildError) as refused:
        room.build({"Dockerfile": "ARG BASE\nFROM ${BASE}\n"}, ATTACKER, arguments={"BASE": image.tag})
    assert refused.value.code == "image-reference"


def test_app_b_repeats_app_a_s_line_to_be_served_its_layer_with_the_secret(room: Workshop) -> None:
    secret = secrets.token_hex(16)
    files = room.dockerfile(PRINT_SECRET)
    room.build(files, VICTIM, secrets={"TOKEN": Secret(secret)})
    with pytest.raises(BuildError):  # the step really runs, and there is no such secret
        room.build(room.dockerfile(PRINT_SECRET, "RUN cat /layer.txt | rev && false"), ATTACKER)
    assert secret[::-1] not in room.log
    assert not any("(cached)" in line for line in room.lines if "TOKEN" in line)


@pytest.mark.parametrize(
    "line", ["ARG PAAS_CACHE_KEY={key}", "ENV PAAS_CACHE_KEY={key}", "ENV A=1 PAAS_CACHE_KEY={key}"]
)
def test_app_b_sets_the_cache_key_of_app_a(room: Workshop, line: str) -> None:
    with pytest.raises(BuildError, match="belong to the platform"):
        room.build(room.dockerfile(line.format(key=f"key of {VICTIM}"), "RUN true"), ATTACKER)


@pytest.mark.parametrize(
    "name", ["PAAS_CACHE_KEY", "BUILDKIT_CACHE_MOUNT_NS", "BUILDKIT_SYNTAX", "BUILDKIT_CONTEXT_KEEP_GIT_DIR"]
)
def test_app_b_sets_the_platform_s_build_arguments(room: Workshop, name: str) -> None:
    with pytest.raises(PaasError) as refused:
        room.build(room.dockerfile("RUN true"), ATTACKER, arguments={name: VICTIM})
    assert refused.value.code == "build-argument"


@pytest.mark.parametrize("identity", ["shared", f"{VICTIM}/shared", f"../{VICTIM}/shared", f"/{VICTIM}/shared"])
def test_app_b_mounts_app_a_s_cache(room: Workshop, identity: str) -> None:
    content = secrets.token_hex(16)
    room.build(room.dockerfile(f"RUN --mount=type=cache,id=shared,target=/c echo {content} > /c/x"), VICTIM)
    mount = f"RUN --mount=type=cache,id={identity},target=/c ls /c; cat /c/x || true"
    room.build(room.dockerfile(mount), ATTACKER)
    assert content not in room.log


def test_app_b_names_a_frontend_of_its_own(room: Workshop) -> None:
    for first in ("# syntax=attacker/frontend", "#syntax=docker/dockerfile@attacker", "// syntax=attacker/frontend"):
        with pytest.raises(BuildError):
            room.build({"Dockerfile": f"{first}\nFROM {room.base}\n"}, ATTACKER)


def test_a_secret_is_in_no_image_history_layer_or_log(room: Workshop) -> None:
    secret = secrets.token_hex(16)
    line = "RUN --mount=type=secret,id=TOKEN test -s /run/secrets/TOKEN; cat /run/secrets/TOKEN; echo; env"
    image = room.build(room.dockerfile(line), VICTIM, secrets={"TOKEN": Secret(secret)})
    assert "********" in room.lines
    assert secret not in room.log
    assert secret not in json.dumps(room.inspect(image))
    assert secret not in json.dumps(room.engine.client.history(image.id))
    saved = b"".join(room.engine.client.get_image(image.id))
    assert secret.encode() not in saved


def test_a_secret_is_not_shown_by_the_failure_that_prints_it(room: Workshop) -> None:
    secret = secrets.token_hex(16)
    line = "RUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN; false"
    with pytest.raises(BuildError) as failed:
        room.build(room.dockerfile(line), secrets={"TOKEN": Secret(secret)})
    assert secret not in " ".join([failed.value.message, *failed.value.tail, room.log])


def test_variables_that_would_steer_a_program_on_the_host_are_only_secrets(room: Workshop, tmp_path: Path) -> None:
    """LD_PRELOAD=/proc/<pid>/root/x.so, DOCKER_CONFIG or PATH in the client's environment is code run as root."""
    trap = tmp_path / "trap"
    trap.mkdir()
    evil = {
        "LD_PRELOAD": str(trap / "evil.so"),
        "DOCKER_CONFIG": str(trap),
        "PATH": str(trap),
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "HOME": str(trap),
        "BUILDKIT_HOST": "tcp://127.0.0.1:1",
        "BASH_ENV": str(trap / "x"),
    }
    (trap / "docker").write_text("#!/bin/sh\ntouch " + str(trap / "ran") + "\n")
    (trap / "docker").chmod(0o755)
    (trap / "config.json").write_text('{"credsStore": "evil"}')
    mounts = " ".join(f"--mount=type=secret,id={name}" for name in evil)
    room.build(
        room.dockerfile(f"RUN {mounts} cat /run/secrets/DOCKER_HOST | rev"),
        secrets={name: Secret(value) for name, value in evil.items()},
    )
    assert "1:1.0.0.721//:pct" in room.lines  # the step got it
    assert not (trap / "ran").exists()


@pytest.mark.parametrize("name", ["A=B", "A,env=PAAS_SECRET_0,id=C", "A B", "paas-ca", "", "A\n"])
def test_a_secret_s_name_cannot_be_an_option(room: Workshop, name: str) -> None:
    with pytest.raises(PaasError) as refused:
        room.build(room.dockerfile("RUN true"), secrets={name: Secret("value")})
    assert refused.value.code == "build-secret"


@pytest.mark.parametrize("target", ["--help", "-x", "a b", "a\n"])
def test_a_target_cannot_be_an_option(room: Workshop, target: str) -> None:
    with pytest.raises(PaasError) as refused:
        room.build(room.dockerfile("RUN true"), target=target)
    assert refused.value.code == "build-target"


@pytest.mark.parametrize(
    "line",
    [
        "ADD http://127.0.0.1:{port}/latest/meta-data /x",
        "ADD ht\\tp://127.0.0.1:{port}/ /x",
        'ADD ["\\u0068ttp://127.0.0.1:{port}/", "/x"]',
        "ENV U=http://127.0.0.1:{port}/\nADD $U /x",
        "ONBUILD ADD http://127.0.0.1:{port}/ /x",
        "COPY --from=127.0.0.1:{port}/x / /",
        "COPY --from=localhost:{port}/x / /",
    ],
)
def test_the_engine_is_made_to_fetch_from_the_host_s_own_network(
    room: Workshop, host_server: tuple[int, list[str]], line: str
) -> None:
    port, asked = host_server
    with pytest.raises(BuildError):
        room.build(room.dockerfile(line.format(port=port)), ATTACKER)
    assert asked == []


def test_a_base_image_s_trigger_makes_the_engine_fetch_from_the_host(
    room: Workshop, host_server: tuple[int, list[str]]
) -> None:
    """ONBUILD ADD in an image from a registry is in no Dockerfile that we read: the build is given up when it shows."""
    port, _ = host_server
    reference = f"t-build-trigger:{secrets.token_hex(4)}"
    change = f"ONBUILD ADD http://127.0.0.1:{port}/latest /stolen.txt"
    made = subprocess.run(["/usr/bin/docker", "create", room.base], capture_output=True, text=True, check=True)
    container = made.stdout.strip()
    try:
        room.engine.client.commit(container, *reference.split(":"), changes=[change])
        with pytest.raises(BuildError) as refused:
            room.build({"Dockerfile": f"FROM {reference}\nRUN cat /stolen.txt && sleep 5\n"}, ATTACKER)
        assert refused.value.code == "dockerfile-add"
        assert "secret of the host" not in room.log
    finally:
        room.engine.client.remove_container(container)
        room.engine.client.remove_image(reference, force=True)


def test_an_app_floods_the_log_with_control_sequences(room: Workshop) -> None:
    room.build(room.dockerfile("RUN printf '\\033[2J\\033]52;c;ZXZpbA==\\007\\033[31mred\\n'"))
    assert "\x1b[31mred\x1b[0m" in room.lines
    assert "\x1b[2J" not in room.log
    assert "\x1b]" not in room.log
