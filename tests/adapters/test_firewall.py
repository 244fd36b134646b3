"""What containers reach and what they do not, tried from real containers against real listeners."""

from __future__ import annotations

import fcntl
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import count
from pathlib import Path

import pytest

from paas.adapters.docker import DockerRuntime
from paas.adapters.firewall import IptablesFirewall
from paas.errors import BadInputError
from paas.ports import ContainerSpec, NetworkSpec
from paas.rules import names
from paas.rules.firewall import mark
from tests.engine import create_network, engine_of_tests, new_app_id
from tests.images import python_image

POOL = IPv4Network("10.253.0.0/16")  # no other test's
OTHER_POOL = IPv4Network("10.252.0.0/16")
INSTALLATION = "t-firewall"
METADATA = "169.254.169.254"
OUTSIDE, OUTSIDE_HOST = "198.51.100.2", "198.51.100.1"  # TEST-NET-2 stands for the internet
NAMESPACE = "t-firewall"
FOREIGN = ["-s", "203.0.113.1", "-j", "ACCEPT"]  # a rule of somebody else

LISTEN = "import socket,time; s=socket.create_server(('0.0.0.0', 5000)); print('ready', flush=True); time.sleep(1000)"
PROBE = """
import json, socket, sys
answers = {}
for target in sys.argv[1:]:
    address, port = target.split(":")
    try:
        socket.create_connection((address, int(port)), 30).close()
        answers[target] = "open"
    except ConnectionRefusedError:
        answers[target] = "refused"
    except OSError:
        answers[target] = "closed"
print(json.dumps(answers))
"""


@dataclass
class Site:
    """Two apps with a listening copy each, a listener on the host, and the means to probe from anywhere."""

    runtime: DockerRuntime
    firewall: IptablesFirewall
    one: NetworkSpec
    other: NetworkSpec
    host_port: int

    def __post_init__(self) -> None:
        self._rollouts = count(1)

    def run(self, network: str, *command: str) -> ContainerSpec:
        rollout = next(self._rollouts)
        spec = ContainerSpec(
            name=names.container_name(self.one.app_id, "web", 1, rollout),
            image=python_image(),
            app_id=self.one.app_id,
            app_name="probe",
            process_type="web",
            copy=1,
            release=1,
            rollout=rollout,
            command=command,
            network=network,
        )
        self.runtime.start(spec)
        return spec

    def listener(self, network: str) -> str:
        """Address of a container that listens on 5000."""
        spec = self.run(network, "python3", "-c", LISTEN)
        next(self.runtime.log_lines(spec.name, follow=True))
        found = self.runtime.find(spec.name)
        assert found is not None
        assert found.address is not None
        return found.address

    def probe(self, network: str, *targets: str) -> dict[str, str]:
        spec = self.run(network, "python3", "-c", PROBE, *targets)
        self.runtime.wait(spec.name, 30)
        (line,) = self.runtime.log_lines(spec.name)
        return dict(json.loads(line.text))

    def host_targets(self) -> list[str]:
        """The host's listener under every address that a container could know."""
        addresses = [str(self.one.subnet[1]), str(self.other.subnet[1]), docker0(), OUTSIDE_HOST]
        return [f"{address}:{self.host_port}" for address in addresses]


def docker0() -> str:
    """The host's address on the network of builds; Docker chooses another one where 172.17.0.0/16 is taken."""
    shown = subprocess.run(["ip", "-4", "-o", "addr", "show", "docker0"], capture_output=True, text=True, check=True)
    return shown.stdout.split("inet ")[1].split("/")[0]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """One at a time on this machine: the chains have one name, so that a killed run's are found again."""
    with (Path(tempfile.gettempdir()) / "paas-test-firewall.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine_of_tests("firewall") as runtime, _listening() as port, _outside():
            one, other = (create_network(runtime, new_app_id(), POOL) for _ in range(2))
            site = Site(runtime, IptablesFirewall(INSTALLATION, POOL), one, other, port)
            site.firewall.remove()
            yield site
            site.firewall.remove()


@pytest.fixture(autouse=True)
def _no_rules_left(site: Site) -> Iterator[None]:
    yield
    subprocess.run(["iptables", "-w", "-D", "INPUT", *FOREIGN], capture_output=True)
    site.firewall.remove()


def test_a_container_reaches_no_port_of_the_host_by_any_of_its_addresses(site: Site) -> None:
    targets = site.host_targets()
    before = site.probe(site.one.name, *targets)
    assert set(before.values()) == {"open"}, "the attack does not work: the test proves nothing"
    site.firewall.ensure((), (site.host_port + 1,))
    assert set(site.probe(site.one.name, *targets).values()) == {"refused"}
    assert set(site.probe("bridge", *targets).values()) == {"refused"}


def test_public_ports_are_open_to_containers_and_builds(site: Site) -> None:
    site.firewall.ensure((), (site.host_port, 80, 443, 2222))
    for network in (site.one.name, "bridge"):
        assert set(site.probe(network, *site.host_targets()).values()) == {"open"}


def test_a_container_reaches_its_own_apps_copies_and_no_others(site: Site) -> None:
    sibling, stranger, build = site.listener(site.one.name), site.listener(site.other.name), site.listener("bridge")
    site.firewall.ensure((), ())
    assert site.probe(site.one.name, f"{sibling}:5000", f"{stranger}:5000", f"{build}:5000") == {
        f"{sibling}:5000": "open",
        f"{stranger}:5000": "refused",
        f"{build}:5000": "refused",
    }
    from_build = site.probe("bridge", f"{sibling}:5000", f"{build}:5000")
    assert set(from_build.values()) == {"refused"}, "a build reaches an app or another build"


def test_a_build_reaches_neither_the_host_nor_an_app(site: Site, tmp_path: Path) -> None:
    copy = site.listener(site.one.name)
    site.firewall.ensure((), ())
    targets = [f"{docker0()}:{site.host_port}", f"{copy}:5000", f"{METADATA}:80"]
    (tmp_path / "probe.py").write_text(PROBE)
    (tmp_path / "Dockerfile").write_text(
        f"FROM {python_image()}\nCOPY probe.py /\nRUN python3 /probe.py {' '.join(targets)} > /answers\n"
        "FROM scratch\nCOPY --from=0 /answers /\n"
    )
    command = ["/usr/bin/docker", "build", "--no-cache", "--output", f"type=local,dest={tmp_path}", str(tmp_path)]
    subprocess.run(command, env={"DOCKER_BUILDKIT": "1", "HOME": str(tmp_path)}, check=True, capture_output=True)
    assert set(json.loads((tmp_path / "answers").read_text()).values()) == {"refused"}


def test_the_metadata_address_is_refused_at_once(site: Site) -> None:
    site.firewall.ensure((), ())
    for network in (site.one.name, "bridge"):
        assert site.probe(network, f"{METADATA}:80") == {f"{METADATA}:80": "refused"}


def test_the_outside_is_reached_but_reaches_no_container(site: Site) -> None:
    copy = site.listener(site.one.name)
    site.firewall.ensure((), ())
    for network in (site.one.name, "bridge"):
        assert site.probe(network, f"{OUTSIDE}:5000") == {f"{OUTSIDE}:5000": "open"}
    probe = ["ip", "netns", "exec", NAMESPACE, "/usr/bin/python3", "-c", PROBE, f"{copy}:5000"]
    assert json.loads(subprocess.run(probe, capture_output=True, check=True).stdout) == {f"{copy}:5000": "refused"}


def test_the_host_reaches_containers(site: Site) -> None:
    copy = site.listener(site.one.name)
    site.firewall.ensure((), ())
    socket.create_connection((copy, 5000), 2).close()


def test_containers_have_no_ipv6(site: Site) -> None:
    spec = site.run(site.one.name, "cat", "/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
    site.runtime.wait(spec.name, 10)
    assert [line.text for line in site.runtime.log_lines(spec.name)] == ["1"]


def test_two_installations_do_not_fight(site: Site) -> None:
    neighbour = IptablesFirewall(f"{INSTALLATION}-2", OTHER_POOL)
    try:
        neighbour.ensure((), (81,))
        site.firewall.ensure((), (site.host_port,))
        neighbour.ensure((), (81,))
        assert (site.firewall.check(), neighbour.check()) == ([], [])
        own_gateway, build_gateway = f"{site.one.subnet[1]}:{site.host_port}", f"{docker0()}:{site.host_port}"
        assert site.probe(site.one.name, own_gateway) == {own_gateway: "open"}
        assert site.probe("bridge", build_gateway) == {build_gateway: "open"}, "docker0 is shared by both"
        neighbour.remove()
        assert site.firewall.check() == []
    finally:
        neighbour.remove()


def test_what_is_missing_is_told_and_put_back(site: Site) -> None:
    assert site.firewall.check() != []
    site.firewall.ensure((), (80,))
    assert site.firewall.check() == []
    chain = f"PAAS-HOST-{mark(INSTALLATION)}"
    for damage in (
        ["-D", "INPUT", "-j", f"PAAS-INPUT-{mark(INSTALLATION)}"],
        ["-D", "INPUT", "-j", f"PAAS-OPEN-{mark(INSTALLATION)}"],
        ["-D", "DOCKER-USER", "-j", f"PAAS-FORWARD-{mark(INSTALLATION)}"],
        ["-F", chain],
        ["-I", chain, "1", "-j", "ACCEPT"],
        ["-I", "INPUT", "1", *FOREIGN],  # something that comes before ours
    ):
        subprocess.run(["iptables", "-w", *damage], check=True)
        assert site.firewall.check() != [], damage
        site.firewall.ensure((), (80,))
        assert site.firewall.check() == [], damage


def test_ensuring_what_is_already_so_is_cheap(site: Site) -> None:
    site.firewall.ensure((), (80,))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        site.firewall.ensure((), (80,))
        times.append(time.perf_counter() - began)
    assert min(times) < 1  # some 20 ms on an idle machine: two tables are read, none is written


def test_new_ports_replace_the_old_ones(site: Site) -> None:
    site.firewall.ensure((), (80,))
    site.firewall.ensure((), (8080,))
    shown = subprocess.run(["iptables-save", "-t", "filter"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in shown.splitlines() if mark(INSTALLATION) in line]
    assert any("--dports 8080 " in line for line in ours)
    assert not any("--dports 80 " in line for line in ours)
    assert len([line for line in ours if line.startswith("-A INPUT")]) == 2


def test_removing_leaves_nothing_and_may_happen_twice(site: Site) -> None:
    site.firewall.ensure(("br-extra",), (80,))
    site.firewall.remove()
    site.firewall.remove()
    for program in ("iptables-save", "ip6tables-save"):
        shown = subprocess.run([program, "-t", "filter"], capture_output=True, text=True, check=True).stdout
        assert mark(INSTALLATION) not in shown


@pytest.mark.parametrize("name", ["", "a b", "x" * 16, "-j ACCEPT", "eth0\n-A INPUT -j ACCEPT"])
def test_only_interfaces_can_be_named(site: Site, name: str) -> None:
    with pytest.raises(BadInputError):
        site.firewall.ensure((name,), ())


# --- inside -----------------------------------------------------------------------------------------------------------
@contextmanager
def _listening() -> Iterator[int]:
    """A server of the host that listens everywhere, as a careless database does."""
    with socket.create_server(("0.0.0.0", 0), backlog=64) as server:
        yield int(server.getsockname()[1])


@contextmanager
def _outside() -> Iterator[None]:
    """A network namespace that the host routes to: the rest of the world, with a server on 5000."""
    _remove_outside()
    for words in (
        f"netns add {NAMESPACE}",
        f"link add t-fw-host type veth peer name t-fw-out netns {NAMESPACE}",
        f"addr add {OUTSIDE_HOST}/24 dev t-fw-host",
        "link set t-fw-host up",
        f"-n {NAMESPACE} addr add {OUTSIDE}/24 dev t-fw-out",
        f"-n {NAMESPACE} link set t-fw-out up",
        f"-n {NAMESPACE} route add default via {OUTSIDE_HOST}",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    command = ["ip", "netns", "exec", NAMESPACE, "/usr/bin/python3", "-c", LISTEN]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        server.stdout.readline()
        yield
    finally:
        server.kill()
        server.wait()
        _remove_outside()


def _remove_outside() -> None:
    subprocess.run(["ip", "link", "del", "t-fw-host"], capture_output=True)
    subprocess.run(["ip", "netns", "del", NAMESPACE], capture_output=True)
