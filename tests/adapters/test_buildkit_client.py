"""The client is found by probing; its words and its environment are ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from paas.adapters.buildkit_client import Client, base_environment, build_arguments, build_command, find_client
from paas.errors import PaasError, UnavailableError
from paas.ports import BuildOrder
from paas.rules.secret import Secret
from paas.settings import Settings

CLIENT = Client("/usr/bin/docker", "20.10", "buildkit")
ORDER = BuildOrder("abcd1234", "blog", "paas/abcd1234:x", Path("/sources/1.tar"), cache_key="key")


def settings(folder: Path, **more: object) -> Settings:
    return Settings(home=folder, **more)  # type: ignore[arg-type]


def fake_cli(folder: Path, version: str, *, has_buildx: bool) -> str:
    path = folder / "docker"
    lines = ["#!/bin/sh", f'[ "$1" = --version ] && echo "Docker version {version}" && exit 0']
    lines += ['[ "$1" = buildx ] && echo v0.13 && exit 0'] if has_buildx else []
    path.write_text("\n".join([*lines, "exit 1", ""]))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("version", "has_buildx", "frontend"),
    [
        ("20.10.24+dfsg1", False, "buildkit"),
        ("18.09.1", False, "buildkit"),
        ("26.1.5", True, "buildx"),
        ("20.10.24", True, "buildx"),
    ],
)
def test_a_client_that_can_is_taken(tmp_path: Path, version: str, has_buildx: bool, frontend: str) -> None:
    cli = fake_cli(tmp_path, version, has_buildx=has_buildx)
    found = find_client(settings(tmp_path, docker_cli=cli))
    assert (found.path, found.frontend) == (cli, frontend)


@pytest.mark.parametrize("version", ["28.2.2", "23.0.1", "17.05.0"])
def test_a_client_that_cannot_is_refused_with_the_remedy(tmp_path: Path, version: str) -> None:
    with pytest.raises(UnavailableError) as refused:
        find_client(settings(tmp_path, docker_cli=fake_cli(tmp_path, version, has_buildx=False)))
    assert refused.value.code == "buildkit-missing"
    assert "docker_cli" in refused.value.message


def test_the_first_of_this_machine_that_can_is_found(tmp_path: Path) -> None:
    assert Path(find_client(settings(tmp_path)).path).is_absolute()


def test_no_name_in_the_environment_is_chosen_by_a_user(tmp_path: Path) -> None:
    order = BuildOrder(
        "abcd1234", "blog", "t:x", Path("/s"), secrets={"LD_PRELOAD": Secret("/evil.so"), "PATH": Secret("/evil")}
    )
    words, environment = build_command(
        CLIENT, order, settings(tmp_path), dockerfile="Dockerfile", image_id_file=tmp_path / "id", certificates=None
    )
    ours = {*base_environment(settings(tmp_path)), "BUILDX_CONFIG", "PAAS_SECRET_0", "PAAS_SECRET_1"}
    assert set(environment) == ours
    assert environment["PATH"].startswith("/usr/local/sbin")
    assert "--secret=id=LD_PRELOAD,env=PAAS_SECRET_0" in words
    assert not any("evil" in word for word in words)


def test_our_arguments_win_and_are_never_empty(tmp_path: Path) -> None:
    arguments = build_arguments(ORDER, settings(tmp_path))
    assert arguments == {"PAAS_CACHE_KEY": "key", "BUILDKIT_CACHE_MOUNT_NS": "abcd1234"}
    nameless = BuildOrder("abcd1234", "blog", "t:x", Path("/s"))
    assert build_arguments(nameless, settings(tmp_path))["PAAS_CACHE_KEY"] == "abcd1234"


def test_the_proxy_reaches_the_build(tmp_path: Path) -> None:
    proxied = settings(tmp_path, build_http_proxy="http://proxy:3128", build_no_proxy="localhost")
    arguments = build_arguments(ORDER, proxied)
    assert arguments["https_proxy"] == arguments["HTTP_PROXY"] == "http://proxy:3128"
    assert arguments["NO_PROXY"] == "localhost"


def test_buildx_loads_the_image_into_the_engine(tmp_path: Path) -> None:
    words, _ = build_command(
        Client("/usr/bin/docker", "26.1", "buildx"),
        ORDER,
        settings(tmp_path),
        dockerfile="Dockerfile",
        image_id_file=tmp_path / "id",
        certificates=tmp_path / "ca.pem",
    )
    assert words[:5] == ["/usr/bin/docker", "buildx", "build", "--load", "--provenance=false"]
    assert words[-2:] == [f"--secret=id=paas-ca,src={tmp_path}/ca.pem", "-"]


@pytest.mark.parametrize("value", ["x" * 200_000, "a\0b"])
def test_values_that_no_process_can_be_given_are_refused(tmp_path: Path, value: str) -> None:
    order = BuildOrder("abcd1234", "blog", "t:x", Path("/s"), secrets={"BIG": Secret(value)})
    with pytest.raises(PaasError) as refused:
        build_command(
            CLIENT, order, settings(tmp_path), dockerfile="Dockerfile", image_id_file=tmp_path / "id", certificates=None
        )
    assert refused.value.code == "build-value"
    assert "BIG" in refused.value.message
