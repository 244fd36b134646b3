"""What does this machine say about its fitness to serve? Asks Docker, BuildKit, nginx, files and a probe container.

What an answer means is decided in rules/doctor.py. No question ends the examination: one that fails is a finding.
"""

from __future__ import annotations

import email.utils
import http.client
import shutil
import socket
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paas.adapters.docker_engine import Engine
from paas.adapters.installation import differences
from paas.errors import PaasError
from paas.ports import Builder, ContainerSpec, EngineFacts, Firewall, NetworkSpec, Proxy, Runtime
from paas.rules import doctor as judge
from paas.rules.bases import LABEL_BASE, REPOSITORY_PREFIX
from paas.rules.doctor import Finding, Leftovers
from paas.rules.names import TYPE_RUN, image_repository, task_container_name
from paas.settings import Settings

PROBE_TIMEOUT = 10.0
METADATA = "169.254.169.254:80"
SHORTEST_KEY, FEWEST_LETTERS = 32, 8  # what looks like "changeme" or "000..." is not random
# Runs in the container; bash opens /dev/tcp itself, so nothing else has to be in the image. Prints what was reached.
PROBE = 'for t; do timeout 2 bash -c "exec 3<>/dev/tcp/${t%:*}/${t#*:}" 2>/dev/null && echo "$t"; done; true'


@dataclass(frozen=True)
class Doctor:
    """`known_apps`: the ids of all apps in the database; None when nobody can tell."""

    settings: Settings
    runtime: Runtime
    builder: Builder
    proxy: Proxy
    firewall: Firewall
    known_apps: Callable[[], Collection[str] | None]
    base_images: Callable[[], list[str]]  # references of those that are here
    clock_hosts: tuple[str, ...] = ("deb.debian.org", "registry-1.docker.io")  # who tells the time over HTTP

    def examine(self) -> list[Finding]:
        """Every finding, worst things not first but in the order in which a person would look."""
        engine, problem = self._engine()
        findings = [judge.judge_engine(engine.version if engine else "", engine.api_version if engine else "", problem)]
        if engine:
            findings += [judge.judge_live_restore(engine.live_restore)]
        findings += [self._builder(), judge.judge_nginx(self.proxy.running(), "nginx")]
        findings += self._ports()
        findings += [judge.judge_places(differences(self.settings)), self._firewall()]
        if engine:
            findings += [self._probe()]
        findings += self._disks(engine)
        findings += [self._clock()]
        if engine:
            findings += [judge.judge_base_images(self.base_images()), self._orphans()]
        return [*findings, judge.judge_secrets(list(self._weak_keys()))]

    def _engine(self) -> tuple[EngineFacts | None, str]:
        try:
            return self.runtime.facts(), ""
        except PaasError as error:
            return None, error.message

    def _builder(self) -> Finding:
        try:
            facts = self.builder.facts()
        except PaasError as error:
            return judge.judge_builder("", error.message)
        return judge.judge_builder(", ".join(f"{name} {value}" for name, value in facts.items()), "")

    def _ports(self) -> Iterator[Finding]:
        settings, address = self.settings, self.settings.local_address
        yield judge.judge_port("http", settings.http_port, _answers(address, settings.http_port))
        yield judge.judge_port("ssh", settings.ssh_port, _answers(address, settings.ssh_port))
        if settings.is_https:
            yield judge.judge_port("https", settings.https_port, _answers(address, settings.https_port))

    def _firewall(self) -> Finding:
        try:
            return judge.judge_firewall(self.firewall.check())
        except PaasError as error:
            return judge.judge_firewall([error.message])

    def _disks(self, engine: EngineFacts | None) -> Iterator[Finding]:
        places = {"disk": self.settings.home} | ({"docker-disk": Path(engine.root)} if engine else {})
        for name, path in places.items():
            if path.exists():
                yield judge.judge_disk(name, shutil.disk_usage(path).free, self.settings.disk_reserve)

    def _clock(self) -> Finding:
        for host in self.clock_hosts:
            if (skew := _skew(host)) is not None:
                return judge.judge_clock(skew, host)
        return judge.judge_clock(None, "")

    def _orphans(self) -> Finding:
        known = self.known_apps()
        if known is None:
            return judge.judge_leftovers(Leftovers())
        repositories = {image_repository(app_id) for app_id in known}
        return judge.judge_leftovers(
            Leftovers(
                containers=tuple(one.name for one in self.runtime.containers() if one.app_id not in known),
                networks=tuple(one.name for one in self.runtime.networks() if one.app_id not in known),
                images=tuple(
                    tag
                    for image in self.runtime.images()
                    for tag in image.tags
                    if not tag.startswith(REPOSITORY_PREFIX) and tag.partition(":")[0] not in repositories
                ),
            )
        )

    def _weak_keys(self) -> Iterator[str]:
        for name in ("config.key", "session.key"):
            path = self.settings.folder("keys", name)
            content = path.read_bytes() if path.exists() else None
            if content is not None and (len(content) < SHORTEST_KEY or len(set(content)) < FEWEST_LETTERS):
                yield f"keys/{name} is no random key"

    # --- The probe container ------------------------------------------------------------------------------------------
    def _probe(self) -> Finding:
        """A container in an app's network tries what no container may reach, and one port that all may."""
        networks, images = self.runtime.networks(), self.base_images()
        if not networks or not images:
            return judge.judge_probe(None, "there is no app yet" if not networks else "there is no base image yet")
        gateways = [str(next(network.subnet.hosts())) for network in networks[:2]]
        allowed = f"{gateways[0]}:{self.settings.http_port}"
        try:
            with _listener() as port:
                forbidden = [*(f"{address}:{port}" for address in gateways), METADATA]
                reached = self._reach(networks[0], images[0], [allowed, *forbidden])
        except PaasError as error:
            return judge.judge_probe(None, error.message)
        if allowed not in reached:
            return judge.judge_probe(None, f"it did not even reach the public port {allowed}")
        return judge.judge_probe([target for target in forbidden if target in reached])

    def _reach(self, network: NetworkSpec, image: str, targets: list[str]) -> list[str]:
        """Those of `address:port` that a container in this network can connect to."""
        facts = self.runtime.image(image)
        name = task_container_name(network.app_id, TYPE_RUN, int(time.time()))
        spec = ContainerSpec(
            name=name, image=facts.id if facts else image, app_id=network.app_id, app_name="doctor",
            process_type=TYPE_RUN, copy=1, release=0, rollout=0, network=network.name,
            entrypoint=(), command=("sh", "-c", PROBE, "probe", *targets),
        )  # fmt: skip
        try:
            self.runtime.start(spec)
            self.runtime.wait(name, PROBE_TIMEOUT)
            return [line.text for line in self.runtime.log_lines(name)]
        finally:
            self.runtime.remove(name)


def list_base_images(engine: Engine) -> list[str]:
    """References of the base images that are here, whoever made them."""
    client: Any = engine.client
    with engine.talking():
        listed = client.images(filters={"label": LABEL_BASE})
    return sorted(tag for entry in listed for tag in entry["RepoTags"] or () if tag.startswith(REPOSITORY_PREFIX))


@contextmanager
def _listener() -> Iterator[int]:
    """A port of the host that is open on every address for the length of the probe."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as line:
        line.bind(("0.0.0.0", 0))  # noqa: S104 - that a container cannot reach it is what is proved
        line.listen(8)
        yield line.getsockname()[1]


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def _skew(host: str) -> float | None:
    """Seconds that our clock is ahead of the Date header of a well-known server; None when it does not answer."""
    try:
        with closing(http.client.HTTPConnection(host, timeout=2)) as connection:
            connection.request("HEAD", "/")
            date = connection.getresponse().getheader("Date", "")
        return time.time() - email.utils.parsedate_to_datetime(date).timestamp()
    except (OSError, http.client.HTTPException, ValueError):  # it is no date: a portal between us and the host
        return None
