"""Where in the address pool does it go? A /25 for an app's network, an address in it for a copy.

Of each /25 the first address is the gateway, the last /27 is Docker's own (one-offs and release tasks), and what lies
between is for copies and service links, whose addresses are rows: a restart never hands app A's address to app B.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from paas.errors import BadInputError, ConflictError

SUBNET_PREFIX = 25
DYNAMIC_PREFIX = 27
SUBNET_SIZE = 1 << (32 - SUBNET_PREFIX)


def choose_subnet(pool: IPv4Network, taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first /25 of `pool` that overlaps nothing in `taken`.

    taken: our rows (also of destroyed apps that nginx may still remember), the host's routes, Docker's networks, and
    what Docker refused a moment ago. Raises ConflictError (code `pool-full`), BadInputError for a pool without a /25.
    """
    if pool.prefixlen > SUBNET_PREFIX:
        raise BadInputError(
            f"The network pool {pool} is smaller than one /{SUBNET_PREFIX}",
            "set PAAS_NETWORK_POOL",
            code="network-pool",
        )
    blocks: set[int] = set()
    for network in taken:
        blocks.update(_blocks(pool, network))
    for block in range(pool.num_addresses // SUBNET_SIZE):
        if block not in blocks:
            return IPv4Network((int(pool.network_address) + block * SUBNET_SIZE, SUBNET_PREFIX))
    raise ConflictError(
        f"Every /{SUBNET_PREFIX} of the network pool {pool} is taken",
        "destroy apps or set PAAS_NETWORK_POOL to a larger pool",
        code="pool-full",
    )


def is_within(place: str, pool: IPv4Network) -> bool:
    """Is this address or subnet, as a row has it, one of the pool's?"""
    try:
        return IPv4Network(place).subnet_of(pool)
    except ValueError:
        return False


def gateway(subnet: IPv4Network) -> IPv4Address:
    """The bridge's own address."""
    return subnet[1]


def dynamic_range(subnet: IPv4Network) -> IPv4Network:
    """The last /27: where Docker places what asks for no address."""
    first = int(subnet.broadcast_address) + 1 - (1 << (32 - DYNAMIC_PREFIX))
    return IPv4Network((first, DYNAMIC_PREFIX))


def copy_addresses(subnet: IPv4Network) -> Iterator[IPv4Address]:
    """All that copies and links may have, lowest first."""
    for number in range(int(subnet[2]), int(dynamic_range(subnet).network_address)):
        yield IPv4Address(number)


def choose_address(subnet: IPv4Network, unavailable: Collection[str]) -> str:
    """The lowest free address for a new copy.

    unavailable: in use, kept by stopped containers, or given up but not yet confirmed gone from nginx.
    Raises ConflictError (code `addresses-exhausted`).
    """
    for address in copy_addresses(subnet):
        if str(address) not in unavailable:
            return str(address)
    raise ConflictError(
        f"All addresses of the app's network {subnet} are in use",
        "ps:scale to fewer copies, or wait until old ones have drained",
        code="addresses-exhausted",
    )


def _blocks(pool: IPv4Network, network: IPv4Network) -> range:
    """Numbers of the pool's /25 blocks that `network` touches."""
    base = int(pool.network_address)
    first = max(int(network.network_address), base)
    last = min(int(network.broadcast_address), int(pool.broadcast_address))
    return range((first - base) // SUBNET_SIZE, (last - base) // SUBNET_SIZE + 1) if first <= last else range(0)
