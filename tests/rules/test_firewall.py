"""The rules as text: what tells installations apart, and how many ports fit."""

from ipaddress import IPv4Network

from paas.rules.firewall import ipv4_rules, ipv6_rules, mark

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
    assert targets | set(rules.hooks.values()) == set(rules.chains)


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
