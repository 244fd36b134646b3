"""Is the host's packet filter as rules/firewall.py wants it, and how is it made so? iptables, applied atomically.

Docker 20.10 uses iptables and keeps DOCKER-USER over its restarts, so that is where forwarded packets meet our chain.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import takewhile
from pathlib import Path

from paas.errors import BadInputError, UnavailableError
from paas.rules import firewall
from paas.rules.firewall import RuleSet

BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
RESOLVER_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
IPV6 = Path("/proc/sys/net/ipv6")
DOCKER_USER = "DOCKER-USER"  # Docker's chain for rules of others; it jumps there before its own
TIMEOUT = 20  # other programs may hold the lock of the tables (s)

_INTERFACE = re.compile(r"[A-Za-z0-9_.-]{1,15}", re.ASCII)


class IptablesFirewall:
    """ports.Firewall for one installation and its address pool."""

    def __init__(self, installation: str, pool: IPv4Network) -> None:
        self._installation = installation
        self._pool = pool
        self._bridges: tuple[str, ...] = ()
        self._public_ports: tuple[int, ...] | None = None  # None: never told

    def ensure(self, bridges: Sequence[str], public_ports: Sequence[int]) -> None:
        self._bridges = tuple(bridge for bridge in bridges if not _is_matched_anyway(bridge))
        self._public_ports = tuple(public_ports)
        for family, wanted in self._wanted():
            present = _Table.read(family)
            if _missing(present, wanted):
                present.apply(wanted)
        with contextlib.suppress(OSError):
            if BRIDGE_FILTER.read_text().strip() != "1":
                BRIDGE_FILTER.write_text("1")  # else packets between two builds pass below the filter

    def check(self) -> list[str]:
        missing = [
            f"{family}: {words}" for family, wanted in self._wanted() for words in _missing(_Table.read(family), wanted)
        ]
        try:
            is_filtered = BRIDGE_FILTER.read_text().strip() == "1"
        except OSError:
            is_filtered = False
        return missing if is_filtered else [*missing, "builds can reach each other: modprobe br_netfilter"]

    def remove(self) -> None:
        for family, wanted in self._wanted():
            _Table.read(family).remove(wanted)
        self._public_ports = None

    def _wanted(self) -> list[tuple[str, RuleSet]]:
        ports, resolvers = self._public_ports or (), _resolvers()
        wanted = [
            ("iptables", firewall.ipv4_rules(self._installation, self._pool, self._bridges, ports, resolvers)),
        ]
        if IPV6.exists():
            wanted.append(("ip6tables", firewall.ipv6_rules(self._installation, self._bridges)))
        return wanted


def _resolvers() -> tuple[IPv4Address, ...]:
    """Where Docker looks: behind systemd-resolved's stub, if that is all there is."""
    for path in RESOLVER_FILES:
        with contextlib.suppress(OSError):
            if found := firewall.nameservers(path.read_text()):
                return found
    return ()


def _is_matched_anyway(bridge: str) -> bool:
    if not _INTERFACE.fullmatch(bridge):
        raise BadInputError(f"{bridge[:40]!a} is no network interface", code="interface")
    return bridge == firewall.BUILD_BRIDGE or bridge.startswith(firewall.APP_BRIDGES.rstrip("+"))


class _Table:
    """The filter table of one family as it stands."""

    def __init__(self, family: str, chains: dict[str, list[str]]) -> None:
        self._family = family
        self.chains = chains

    @classmethod
    def read(cls, family: str) -> _Table:
        chains: dict[str, list[str]] = {}
        for line in _run([f"{family}-save", "-t", "filter"]).splitlines():
            if line.startswith(":"):
                chains[line[1:].split()[0]] = []
            elif line.startswith("-A "):
                _, chain, rule = line.split(" ", 2)
                chains.setdefault(chain, []).append(rule)
        return cls(family, chains)

    def apply(self, wanted: RuleSet) -> None:
        """All or nothing: iptables-restore commits once. Naming a chain with `:` empties it first."""
        lines = ["*filter", *(f":{chain} - [0:0]" for chain in wanted.chains)]
        if DOCKER_USER in wanted.hooks and DOCKER_USER not in self.chains:  # Docker was not here yet
            lines.append(f":{DOCKER_USER} - [0:0]")
        if DOCKER_USER in wanted.hooks and not self.has_docker_hook():
            lines.append(f"-I FORWARD 1 -j {DOCKER_USER}")
        lines += self._unhook(wanted)
        for hook, chains in wanted.hooks.items():
            lines += [f"-I {hook} {self._place(hook, chain, chains)} -j {chain}" for chain in reversed(chains)]
        lines += [f"-A {chain} {rule}" for chain, rules in wanted.chains.items() for rule in rules]
        self._restore(lines)

    def has_docker_hook(self) -> bool:
        return f"-j {DOCKER_USER}" in self.chains.get("FORWARD", [])

    def remove(self, wanted: RuleSet) -> None:
        lines = ["*filter", *self._unhook(wanted)]
        present = [chain for chain in wanted.chains if chain in self.chains]
        lines += [f"-F {chain}" for chain in present] + [f"-X {chain}" for chain in present]
        self._restore(lines)

    def jumps(self, hook: str) -> list[str]:
        """Where a built-in chain goes first: targets of its rules, up to the first that is more than a jump."""
        plain = takewhile(lambda rule: rule.startswith("-j "), self.chains.get(hook, []))
        return [rule.removeprefix("-j ") for rule in plain]

    def _unhook(self, wanted: RuleSet) -> list[str]:
        return [
            f"-D {hook} -j {chain}"
            for hook, chains in wanted.hooks.items()
            for chain in chains
            for _ in range(self.chains.get(hook, []).count(f"-j {chain}"))
        ]

    def _place(self, hook: str, chain: str, ours: Sequence[str]) -> int:
        """The first line, but refusals come after what other installations open."""
        if chain.startswith(firewall.OPEN_CHAIN):
            return 1
        others = [jump for jump in self.jumps(hook) if jump not in ours]
        return 1 + len(list(takewhile(lambda jump: jump.startswith(firewall.OPEN_CHAIN), others)))

    def _restore(self, lines: list[str]) -> None:
        _run([f"{self._family}-restore", "--noflush", "--wait", "5"], "\n".join([*lines, "COMMIT", ""]))


def _missing(table: _Table, wanted: RuleSet) -> list[str]:
    """What differs, in words for doctor."""
    told = [
        f"chain {chain} is not as it should be"
        for chain, rules in wanted.chains.items()
        if table.chains.get(chain) != list(rules)
    ]
    told += [
        f"{hook} does not begin with a jump to {chain}"
        for hook, chains in wanted.hooks.items()
        for chain in chains
        if not firewall.is_in_place(table.jumps(hook), chain)
    ]
    if DOCKER_USER in wanted.hooks and not table.has_docker_hook():
        told.append(f"FORWARD does not jump to {DOCKER_USER}")
    return told


def _run(command: list[str], text: str | None = None) -> str:
    try:
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=TIMEOUT).stdout
    except FileNotFoundError as error:
        raise UnavailableError(f"{command[0]} is missing", "apt install iptables", code="firewall") from error
    except subprocess.CalledProcessError as error:
        words = " ".join(error.stderr.split()) or f"exit code {error.returncode}"
        raise UnavailableError(f"The firewall cannot be set: {words}", "paas doctor", code="firewall") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{command[0]} does not end", "paas doctor", code="firewall") from error
