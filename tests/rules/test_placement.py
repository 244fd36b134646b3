"""Subnets and addresses: never one that something else holds."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from paas.errors import BadInputError, ConflictError
from paas.rules.placement import choose_address, choose_subnet, copy_addresses, dynamic_range, gateway, is_within

POOL = IPv4Network("10.208.0.0/12")
SUBNET = IPv4Network("10.208.0.128/25")


@pytest.mark.parametrize(
    ("taken", "chosen"),
    [
        ([], "10.208.0.0/25"),
        (["10.208.0.0/25"], "10.208.0.128/25"),
        (["10.208.0.128/25"], "10.208.0.0/25"),
        (["10.208.0.0/25", "10.208.1.0/25"], "10.208.0.128/25"),
        (["10.208.0.0/24"], "10.208.1.0/25"),  # wider than ours
        (["10.208.0.64/30"], "10.208.0.128/25"),  # narrower than ours
        (["10.208.0.5/32"], "10.208.0.128/25"),
        (["10.208.0.0/13"], "10.216.0.0/25"),
        (["172.17.0.0/16", "192.168.0.0/16", "10.0.0.0/16"], "10.208.0.0/25"),  # elsewhere
        (["10.207.255.0/24", "10.224.0.0/12"], "10.208.0.0/25"),  # the pool's neighbours
    ],
)
def test_the_first_subnet_that_overlaps_nothing_is_chosen(taken: list[str], chosen: str) -> None:
    assert choose_subnet(POOL, [IPv4Network(network) for network in taken]) == IPv4Network(chosen)


@pytest.mark.parametrize("taken", ["10.208.0.0/12", "10.0.0.0/8", "0.0.0.0/0"])
def test_a_full_pool_is_refused(taken: str) -> None:
    with pytest.raises(ConflictError) as refusal:
        choose_subnet(POOL, [IPv4Network(taken)])
    assert refusal.value.code == "pool-full"


def test_a_pool_of_one_subnet_gives_it_once() -> None:
    pool = IPv4Network("10.1.2.0/25")
    assert choose_subnet(pool, []) == pool
    with pytest.raises(ConflictError):
        choose_subnet(pool, [pool])


def test_a_pool_smaller_than_a_subnet_is_refused() -> None:
    with pytest.raises(BadInputError, match="smaller"):
        choose_subnet(IPv4Network("10.1.2.0/26"), [])


def test_every_subnet_of_the_pool_can_be_had() -> None:
    pool = IPv4Network("10.1.0.0/20")
    taken: list[IPv4Network] = []
    for _ in range(32):
        taken.append(choose_subnet(pool, taken))
    assert sorted(taken) == list(pool.subnets(new_prefix=25))


def test_gateway_copies_and_dynamic_range_share_the_subnet_without_overlap() -> None:
    copies = set(copy_addresses(SUBNET))
    assert gateway(SUBNET) == IPv4Address("10.208.0.129")
    assert dynamic_range(SUBNET) == IPv4Network("10.208.0.224/27")
    assert gateway(SUBNET) not in copies
    assert not copies & set(dynamic_range(SUBNET))
    assert len(copies) == 94


def test_a_copy_gets_the_lowest_address_that_nobody_has_or_had_a_moment_ago() -> None:
    assert choose_address(SUBNET, set()) == "10.208.0.130"
    assert choose_address(SUBNET, {"10.208.0.130", "10.208.0.132"}) == "10.208.0.131"


def test_an_app_without_free_addresses_is_refused() -> None:
    with pytest.raises(ConflictError) as refusal:
        choose_address(SUBNET, {str(address) for address in copy_addresses(SUBNET)})
    assert refusal.value.code == "addresses-exhausted"


@pytest.mark.parametrize("place", ["10.208.0.5", "10.208.1.0/25"])
def test_a_place_of_the_pool_is_one(place: str) -> None:
    assert is_within(place, POOL)


@pytest.mark.parametrize("place", ["127.0.0.1", "169.254.169.0/24", "0.0.0.0/0", "10.0.0.0/8", "::1", "x", ""])
def test_what_a_row_may_say_beside_is_none(place: str) -> None:
    assert not is_within(place, POOL)
