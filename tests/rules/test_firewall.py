"""The rules as text: what tells installations apart, and how many ports fit."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from paas.rules.firewall import ipv4_rules, ipv6_rules, is_in_place, mark, nameservers

POOL = IPv4Network("10.208.0.0/12")


def test_chains_of_two_installations_never_share_a_name() -> None:
    one, other = ipv4_rules("one", POOL, (), (80,)), ipv4_rules("other", POOL, (), (80,))
    assert not set(one.chains) & set(other.chains)


def test_chain_names_fit_the_kernels_limit_whatever_the_installation_is_called() -> None:
    for rules in (ipv4_rules("x" * 200, POOL, (), ()), ipv6_rules("ü; -F", ())):
        assert all(len(chain) <= 28 and chain.isascii() and " " not in chain for chain in rules.chains)


def test_jumps_lead_to_chains_that_exist() -> None:
    rules = ipv4_rules("one", POOL, ("br-build",), (80, 443))
    targets = {
        word for chain in rules.chains.values() for rule in chain for word in rule.split() if word.startswith("PAAS")
    }
    hooked = {chain for chains in rules.hooks.values() for chain in chains}
    assert targets | hooked == set(rules.chains)


def test_public_ports_are_sorted_unique_and_split_where_a_rule_is_full() -> None:
    host = ipv4_rules("one", POOL, (), [2222, 80, 80]).chains[f"PAAS-HOST-{mark('one')}"]
    assert host[1] == "-p tcp -m multiport --dports 80,2222 -j RETURN"
    many = ipv4_rules("one", POOL, (), range(1, 21)).chains[f"PAAS-HOST-{mark('one')}"]
    assert [rule.count(",") for rule in many if "--dports" in rule] == [14, 4]


def test_without_public_ports_nothing_of_the_host_is_open() -> None:
    host = ipv4_rules("one", POOL, (), ()).chains[f"PAAS-HOST-{mark('one')}"]
    assert [rule for rule in host if "RETURN" in rule] == ["-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"]


def test_ipv6_leads_nowhere() -> None:
    for chain in ipv6_rules("one", ("br-build",)).chains.values():
        assert chain == ("-i paas-+ -j DROP", "-i docker0 -j DROP", "-i br-build -j DROP")


@pytest.mark.parametrize(
    ("jumps", "chain", "is_so"),
    [
        (["PAAS-OPEN-1", "PAAS-INPUT-1"], "PAAS-OPEN-1", True),
        (["PAAS-OPEN-1", "PAAS-INPUT-1"], "PAAS-INPUT-1", True),
        (["PAAS-OPEN-2", "PAAS-OPEN-1", "PAAS-INPUT-1", "PAAS-INPUT-2"], "PAAS-OPEN-1", True),
        (["PAAS-OPEN-2", "PAAS-INPUT-2", "PAAS-OPEN-1", "PAAS-INPUT-1"], "PAAS-OPEN-1", False),
        (["PAAS-OPEN-2", "PAAS-INPUT-2", "PAAS-OPEN-1", "PAAS-INPUT-1"], "PAAS-INPUT-1", True),
        (["ufw-before-input", "PAAS-INPUT-1"], "PAAS-INPUT-1", False),
        ([], "PAAS-INPUT-1", False),
    ],
)
def test_what_one_installation_opens_comes_before_what_another_refuses(
    jumps: list[str], chain: str, is_so: bool
) -> None:
    assert is_in_place(jumps, chain) is is_so


def test_names_are_answered_where_the_hosts_own_resolver_is_and_nothing_else_is_opened() -> None:
    google = IPv4Address("169.254.169.254")
    chains = ipv4_rules("one", POOL, (), (), (google, IPv4Address("192.0.2.53"))).chains
    out = chains[f"PAAS-OUT-{mark('one')}"]
    opened = [rule for rule in out if "RETURN" in rule]
    assert opened == [f"-d {google}/32 -p {kind} -m {kind} --dport 53 -j RETURN" for kind in ("udp", "tcp")]
    assert out[len(opened)].startswith("-d 169.254.0.0/16 -j REJECT")
    host = chains[f"PAAS-HOST-{mark('one')}"]
    assert [rule for rule in host if "192.0.2.53" in rule and "--dport 53 " not in rule] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nameserver 192.0.2.53\nsearch example.com\nnameserver 169.254.169.254", ["192.0.2.53", "169.254.169.254"]),
        ("nameserver 127.0.0.53\nnameserver ::1\n", []),
        ("# nameserver 192.0.2.1\nnameserver\nnameserver nonsense\n", []),
    ],
)
def test_nameservers_are_those_that_docker_hands_on(text: str, found: list[str]) -> None:
    assert [str(address) for address in nameservers(text)] == found
