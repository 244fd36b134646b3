"""Who may connect just now? Connections in all, those that have not logged in, per address, and who must wait."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FREE_FAILURES = 5  # logins that may fail in a row before an address must wait
LONGEST_WAIT = 300.0
ADDRESSES_REMEMBERED = 10_000


@dataclass(frozen=True)
class GateLimits:
    connections: int
    pending: int
    pending_per_address: int


@dataclass
class _Failures:
    count: int = 0
    until: float = 0.0


class Gate:
    """Counts; every method may be called from any thread. `monotonic`: seconds."""

    def __init__(self, limits: GateLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._connections = 0
        self._pending: Counter[str] = Counter()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def enter(self, address: str) -> str:
        """Count a new connection in; "" or why it must go."""
        group = network_of(address)
        with self._lock:
            failures = self._failures.get(group)
            if failures is not None and failures.until > self._monotonic():
                return "too many failed logins"
            if self._connections >= self._limits.connections:
                return "too many connections"
            if self._pending.total() >= self._limits.pending:
                return "too many connections that have not logged in"
            if self._pending[group] >= self._limits.pending_per_address:
                return "too many connections that have not logged in from this address"
            self._connections += 1
            self._pending[group] += 1
        return ""

    def admit(self, address: str) -> None:
        """It has logged in: it is not pending any more, and its address is forgiven."""
        with self._lock:
            self._failures.pop(network_of(address), None)
            self._settle(network_of(address))

    def fail(self, address: str) -> None:
        """It did not log in: from the sixth time in a row its address waits, twice as long each time."""
        group = network_of(address)
        with self._lock:
            failures = self._failures.setdefault(group, _Failures())
            self._failures.move_to_end(group)
            failures.count += 1
            if failures.count > FREE_FAILURES:
                wait = min(LONGEST_WAIT, 2.0 ** min(failures.count - FREE_FAILURES, 16))
                failures.until = self._monotonic() + wait
            while len(self._failures) > ADDRESSES_REMEMBERED:
                self._failures.popitem(last=False)

    def leave(self, address: str, *, was_pending: bool) -> None:
        with self._lock:
            self._connections -= 1
            if was_pending:
                self._settle(network_of(address))

    def _settle(self, group: str) -> None:
        self._pending[group] -= 1
        if self._pending[group] <= 0:
            del self._pending[group]


class Shares:
    """So that one user cannot take all: at most `all_together` things are held, at most `each` by the same user."""

    def __init__(self, all_together: int, each: int) -> None:
        self._all_together, self._each = all_together, each
        self._lock = threading.Lock()
        self._held: Counter[int | None] = Counter()

    def take(self, user: int | None) -> bool:
        with self._lock:
            if self._held.total() >= self._all_together or self._held[user] >= self._each:
                return False
            self._held[user] += 1
            return True

    def give_back(self, user: int | None) -> None:
        with self._lock:
            self._held[user] -= 1
            if self._held[user] <= 0:
                del self._held[user]


def network_of(address: str) -> str:
    """What one stranger can be expected to hold: an IPv4 address, or a /64 of IPv6."""
    parsed = ip_address(address.partition("%")[0])
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> 64:x}/64"
