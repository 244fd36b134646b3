"""The real engine, for one test: an installation id of its own, and nothing left behind, not even by a killed run."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

from paas.adapters.docker import DockerRuntime
from paas.errors import ConflictError
from paas.ports import NetworkSpec
from paas.rules import names
from paas.rules.placement import choose_subnet

HOST = "unix:///var/run/docker.sock"
POOL = IPv4Network("10.254.0.0/16")  # no installation's


@contextlib.contextmanager
def engine_of_tests(room: str) -> Iterator[DockerRuntime]:
    """A runtime for tests of `room`. Its installation id carries our pid, so that what the dead left can be told."""
    _sweep(room)
    runtime = DockerRuntime(HOST, f"t-{room}-{os.getpid()}")
    try:
        yield runtime
    finally:
        clear(runtime)


def clear(runtime: DockerRuntime) -> None:
    for container in runtime.containers():
        runtime.remove(container.name)
    for network in runtime.networks():
        runtime.remove_network(network.name)


def new_app_id() -> str:
    return secrets.token_hex(names.APP_ID_LENGTH // 2)


def create_network(runtime: DockerRuntime, app_id: str, pool: IPv4Network = POOL) -> NetworkSpec:
    """An app's network somewhere in the tests' pool; other test runs choose there, too."""
    refused: list[IPv4Network] = []
    while True:
        subnet = choose_subnet(pool, [*runtime.host_networks(), *refused])
        spec = NetworkSpec(names.network_name(app_id), app_id, subnet)
        try:
            runtime.create_network(spec)
            return spec
        except ConflictError:
            refused.append(subnet)


def _sweep(room: str) -> None:
    """Remove what former runs left whose process is gone."""
    form = '{{.Label "' + names.LABEL_INSTALLATION + '"}}'
    found: set[str] = set()
    for words in (["ps", "--all"], ["network", "ls"]):
        command = ["docker", *words, "--filter", f"label={names.LABEL_INSTALLATION}", "--format", form]
        found |= set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    for installation in found:
        prefix, _, pid = installation.rpartition("-")
        if prefix == f"t-{room}" and not Path(f"/proc/{pid}").exists():
            clear(DockerRuntime(HOST, installation))
