"""The questions, put to fakes; what the answers mean is in tests/rules/test_doctor.py."""

import socket
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network

import pytest

from paas.adapters.doctor import METADATA, Doctor, _skew
from paas.ports import ImageFacts, NetworkSpec
from paas.settings import Settings
from tests.fakes.behaviour import Behaviour
from tests.fakes.builder import FakeBuilder
from tests.fakes.firewall import FakeFirewall
from tests.fakes.proxy import FakeProxy
from tests.fakes.runtime import FakeRuntime

NETWORK = NetworkSpec("paas-abcdefgh", "abcdefgh", IPv4Network("10.208.0.0/25"))
ALLOWED = "10.208.0.1:80"


MADE = datetime(2026, 1, 1, tzinfo=UTC)
BASE = ImageFacts("sha256:base", ("paas/base-debian:1",), 1, MADE, (), (), ("bash",), "", {})


@pytest.fixture
def runtime():
    runtime = FakeRuntime()
    runtime.add_image(BASE)
    return runtime


@pytest.fixture
def doctor(tmp_path, runtime):
    return Doctor(
        Settings(home=tmp_path),
        runtime,
        FakeBuilder(runtime),
        FakeProxy(),
        FakeFirewall(),
        lambda: ["abcdefgh"],
        lambda: ["paas/base-debian:1"],
        clock_hosts=(),
    )


def found(doctor: Doctor) -> dict[str, str]:
    return {finding.name: finding.state for finding in doctor.examine()}


def test_a_dead_engine_is_one_finding_and_ends_no_other(doctor, runtime):
    runtime.is_down = True
    states = found(doctor)
    assert states["docker"] == "fail"
    assert {"nginx", "permissions", "firewall", "disk", "secrets"} <= set(states)
    assert "orphans" not in states


def test_ports_are_looked_for_where_they_are_bound(doctor):
    with closing(socket.create_server(("127.0.0.2", 0))) as listening:
        bound = {"bind": "127.0.0.2", "http_port": listening.getsockname()[1]}
        assert found(replace(doctor, settings=doctor.settings.model_copy(update=bound)))["http"] == "ok"


def test_a_host_that_tells_no_date_is_passed_over():
    with closing(socket.create_server(("127.0.0.1", 0))) as portal:
        answer = b"HTTP/1.1 302 Found\r\nDate: soon\r\n\r\n"
        threading.Thread(target=answer_once, args=(portal, answer), daemon=True).start()
        assert _skew(f"127.0.0.1:{portal.getsockname()[1]}") is None


def answer_once(portal: socket.socket, answer: bytes) -> None:
    line, _ = portal.accept()
    with line:
        line.recv(1000)
        line.sendall(answer)


def test_without_an_app_there_is_nothing_to_probe_from(doctor):
    assert found(doctor)["firewall-probe"] == "warn"


@pytest.mark.parametrize(
    ("reached", "state"), [([ALLOWED], "ok"), ([ALLOWED, METADATA], "fail"), ([], "warn"), ([METADATA], "warn")]
)
def test_a_probe_must_reach_the_public_port_and_nothing_else(doctor, runtime, reached, state):
    runtime.create_network(NETWORK)
    runtime.behave("probe", Behaviour(exit_code=0, output=tuple(reached)))
    assert found(doctor)["firewall-probe"] == state
    assert runtime.containers() == []


def test_a_network_that_no_row_knows_is_an_orphan(doctor, runtime):
    runtime.create_network(NETWORK)
    assert found(doctor)["orphans"] == "ok"
    stranger = NetworkSpec("paas-zzzzzzzz", "zzzzzzzz", IPv4Network("10.208.0.128/25"))
    runtime.create_network(stranger)
    assert found(doctor)["orphans"] == "warn"


@pytest.mark.parametrize(("key", "state"), [("0" * 64, "fail"), ("short", "fail"), ("0123456789abcdef" * 4, "ok")])
def test_a_key_that_anyone_could_guess_is_found(doctor, key, state):
    folder = doctor.settings.folder("keys")
    folder.mkdir()
    (folder / "session.key").write_text(key)
    assert found(doctor)["secrets"] == state
