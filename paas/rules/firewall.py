"""What may a container reach? The internet and its own network; of the host only the public ports.

Written as iptables-save prints it, so that what is can be compared with what is wanted line by line. All chains carry a
mark of the installation, and match its address pool: two installations on one machine leave each other alone. Refused
rather than dropped, so that SDKs that look for a metadata service go on at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

APP_BRIDGES = "paas-+"  # every app's bridge, by prefix: no rule per app
BUILD_BRIDGE = "docker0"  # where BuildKit of Engine 20.10 runs builds
LINK_LOCAL = "169.254.0.0/16"  # metadata services
ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
REFUSE = "-j REJECT --reject-with icmp-port-unreachable"
_SHORT = re.compile(r"[a-z0-9-]{1,15}", re.ASCII)  # PAAS-FORWARD- and this are 28 characters, the most there may be
ANY_CHAIN = "PAAS-"
OPEN_CHAIN = "PAAS-OPEN-"
PORTS_PER_RULE = 15  # multiport's limit


@dataclass(frozen=True)
class RuleSet:
    """One address family. `chains`: ours, with their rules; `hooks`: built-in chain -> ours that it jumps to first."""

    chains: Mapping[str, tuple[str, ...]]
    hooks: Mapping[str, tuple[str, ...]]


def mark(installation: str) -> str:
    """What tells an installation's chains from another's: its id where iptables takes names of that length."""
    return installation if _SHORT.fullmatch(installation) else hashlib.sha256(installation.encode()).hexdigest()[:8]


def nameservers(resolv_conf: str) -> tuple[IPv4Address, ...]:
    """Those of resolv.conf(5) that Docker hands to containers: IPv4, and not the host's loopback."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            with contextlib.suppress(ValueError):
                found.append(IPv4Address(words[1]))
    return tuple(address for address in found if not address.is_loopback)


def ipv4_rules(
    installation: str,
    pool: IPv4Network,
    bridges: Sequence[str],
    public_ports: Sequence[int],
    resolvers: Sequence[IPv4Address] = (),
) -> RuleSet:
    """bridges: what else carries builds or apps, beside the apps' own and docker0.

    resolvers: the host's nameservers. Where they are the host itself or a link-local address (Google's clouds answer
    names at the metadata address), names are still answered there, and nothing else.
    """
    name = mark(installation)
    entry, host, forward, out = f"PAAS-INPUT-{name}", f"PAAS-HOST-{name}", f"PAAS-FORWARD-{name}", f"PAAS-OUT-{name}"
    public = f"{OPEN_CHAIN}{name}"
    others = (BUILD_BRIDGE, *bridges)
    return RuleSet(
        chains={
            public: tuple(f"-i {bridge} {ports} -j ACCEPT" for bridge in others for ports in _ports(public_ports)),
            entry: (f"-s {pool} -i {APP_BRIDGES} -j {host}", *(f"-i {bridge} -j {host}" for bridge in others)),
            host: (
                ESTABLISHED,
                *(f"{ports} -j RETURN" for ports in _ports(public_ports)),
                *_names(resolvers),
                REFUSE,
            ),
            forward: (
                ESTABLISHED,
                f"-d {pool} -m physdev --physdev-is-bridged -j RETURN",  # copies of one app, on its own bridge
                f"-d {pool} {REFUSE}",
                f"-s {pool} -i {APP_BRIDGES} -j {out}",
                *(f"-i {bridge} -j {out}" for bridge in others),
            ),
            out: (
                *_names([address for address in resolvers if address.is_link_local]),
                f"-d {LINK_LOCAL} {REFUSE}",
                f"-o {APP_BRIDGES} {REFUSE}",
                *(f"-o {bridge} {REFUSE}" for bridge in others),
            ),
        },
        hooks={"INPUT": (public, entry), "DOCKER-USER": (forward,)},
    )


def ipv6_rules(installation: str, bridges: Sequence[str]) -> RuleSet:
    """Containers have no IPv6; should one get it, it leads nowhere."""
    entry, forward = f"PAAS-INPUT-{mark(installation)}", f"PAAS-FORWARD-{mark(installation)}"
    nowhere = tuple(f"-i {bridge} -j DROP" for bridge in (APP_BRIDGES, BUILD_BRIDGE, *bridges))
    return RuleSet(chains={entry: nowhere, forward: nowhere}, hooks={"INPUT": (entry,), "FORWARD": (forward,)})


def is_in_place(jumps: Sequence[str], chain: str) -> bool:
    """Whether a built-in chain that begins with `jumps` comes to ours in time: before anything that is not of our kind.

    docker0 is shared: what any installation opens there must come before what any other refuses.
    """
    if chain not in jumps:
        return False
    kind = OPEN_CHAIN if chain.startswith(OPEN_CHAIN) else ANY_CHAIN
    return all(jump.startswith(kind) for jump in jumps[: jumps.index(chain)])


def _names(resolvers: Sequence[IPv4Address]) -> list[str]:
    return [
        f"-d {address}/32 -p {protocol} -m {protocol} --dport 53 -j RETURN"
        for address in resolvers
        for protocol in ("udp", "tcp")
    ]


def _ports(public_ports: Sequence[int]) -> list[str]:
    ports = sorted(set(public_ports))
    groups = [ports[at : at + PORTS_PER_RULE] for at in range(0, len(ports), PORTS_PER_RULE)]
    return [f"-p tcp -m multiport --dports {','.join(map(str, group))}" for group in groups]
