"""A firewall that remembers what it was told."""

from __future__ import annotations

from collections.abc import Sequence


class FakeFirewall:
    def __init__(self) -> None:
        self.bridges: tuple[str, ...] | None = None
        self.public_ports: tuple[int, ...] = ()

    def ensure(self, bridges: Sequence[str], public_ports: Sequence[int]) -> None:
        self.bridges = tuple(bridges)
        self.public_ports = tuple(public_ports)

    def check(self) -> list[str]:
        return ["the firewall was never set up"] if self.bridges is None else []

    def remove(self) -> None:
        self.bridges = None
        self.public_ports = ()
