"""Is this machine fit to serve, and what is to be done where not? Facts in; ok, warn or fail with a remedy out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

State = Literal["ok", "warn", "fail"]

CLOCK_TOLERANCE = 5.0  # seconds
LITTLE_DISK = 3  # times the reserve: builds still work, but not for long


@dataclass(frozen=True)
class Finding:
    """One line of `paas doctor`. `remedy` is what to type or to change; empty when all is well."""

    name: str
    state: State
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Leftovers:
    """Things that carry this installation's label and that no row knows."""

    containers: tuple[str, ...] = field(default=())
    networks: tuple[str, ...] = field(default=())
    images: tuple[str, ...] = field(default=())


def worst(findings: Sequence[Finding]) -> State:
    states = {finding.state for finding in findings}
    return "fail" if "fail" in states else "warn" if "warn" in states else "ok"


def judge_worker(problem: str) -> Finding:
    if problem:
        return Finding("worker", "fail", problem, "paas up; where it is up: journalctl -u paas")
    return Finding("worker", "ok", "answers")


def judge_engine(version: str, api_version: str, problem: str) -> Finding:
    if problem:
        return Finding("docker", "fail", problem, "start it: systemctl start docker, or run deploy/quickstart")
    return Finding("docker", "ok", f"Docker Engine {version} (API {api_version})")


def judge_live_restore(is_on: bool, is_swarm: bool = False) -> Finding:
    if is_on:
        return Finding("live-restore", "ok", "containers go on while Docker restarts")
    if is_swarm:
        return Finding("live-restore", "ok", "off, as Swarm wants it")
    return Finding(
        "live-restore",
        "warn",
        "containers stop whenever Docker restarts",
        'put {"live-restore": true} into /etc/docker/daemon.json and: kill -HUP $(pidof dockerd)',
    )


def judge_builder(facts: str, problem: str) -> Finding:
    if problem:
        return Finding(
            "buildkit", "fail", problem, "apt-get install docker-buildx, or set PAAS_DOCKER_CLI to a docker that has it"
        )
    return Finding("buildkit", "ok", facts)


def judge_nginx(pid: int | None, version: str) -> Finding:
    if pid is None:
        return Finding("nginx", "fail", "no nginx of ours runs", "paas up")
    return Finding("nginx", "ok", f"{version or 'nginx'} runs, pid {pid}")


def judge_port(name: str, port: int, answers: bool) -> Finding:
    if answers:
        return Finding(name, "ok", f"port {port} answers")
    return Finding(name, "fail", f"nothing answers on port {port}", f"paas status; ss -ltnp 'sport = :{port}'")


def judge_places(differences: Sequence[str]) -> Finding:
    if not differences:
        return Finding("permissions", "ok", "every folder, key and socket has its owner and mode")
    more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
    return Finding("permissions", "fail", differences[0] + more, "paas setup")


def judge_firewall(missing: Sequence[str]) -> Finding:
    if missing:
        return Finding("firewall", "fail", f"missing: {missing[0]}", "paas restart puts the rules back")
    return Finding("firewall", "ok", "the rules are in place")


def judge_probe(reached: Sequence[str] | None, problem: str = "") -> Finding:
    """`reached`: what a container could reach and must not; None when no probe could be made."""
    name = "firewall-probe"
    if reached is None:
        return Finding(name, "warn", f"no proof by a container: {problem}", "deploy an app, then ask again")
    if reached:
        return Finding(name, "fail", f"a container reaches {', '.join(reached)}", "paas restart puts the rules back")
    return Finding(name, "ok", "a container reaches neither the host's ports nor 169.254.169.254")


def judge_disk(name: str, free: int, reserve: int) -> Finding:
    text = f"{free / 1e9:.1f} GB free, builds keep {reserve / 1e9:.1f} GB"
    if free < reserve:
        return Finding(name, "fail", text, "free space: builds:prune, docker system df; or lower PAAS_DISK_RESERVE")
    if free < reserve * LITTLE_DISK:
        return Finding(name, "warn", text, "free space soon: docker system df shows what holds it")
    return Finding(name, "ok", text)


def judge_clock(skew: float | None, source: str) -> Finding:
    """`skew`: seconds between our clock and that of `source`."""
    if skew is None:
        return Finding("clock", "ok", "no other clock to compare with: no registry answers")
    if abs(skew) > CLOCK_TOLERANCE:
        return Finding("clock", "warn", f"{skew:+.0f} s against {source}", "apt-get install systemd-timesyncd")
    return Finding("clock", "ok", f"{skew:+.1f} s against {source}")


def judge_base_images(names: Sequence[str]) -> Finding:
    if names:
        return Finding("base-images", "ok", ", ".join(names))
    return Finding("base-images", "warn", "none yet: the first build of each language makes one", "paas base python")


def judge_leftovers(left: Leftovers) -> Finding:
    counts = {"containers": left.containers, "networks": left.networks, "images": left.images}
    named = [f"{len(names)} {kind} ({names[0]})" for kind, names in counts.items() if names]
    if named:
        return Finding("orphans", "warn", "no row knows " + ", ".join(named), "the worker removes them within a minute")
    return Finding("orphans", "ok", "every container, network and image belongs to an app")


def judge_secrets(weak: Sequence[str]) -> Finding:
    if weak:
        return Finding("secrets", "fail", weak[0], "remove that file and run: paas setup")
    return Finding("secrets", "ok", "keys are random and belong to their readers")
