"""At which addresses is this machine reached, and what has to be set so that people elsewhere reach its apps?"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Iterator

from installer.wishes import Wishes

CONTAINER_BRIDGES = ("docker", "br-", "paas-", "veth", "lo")


def own_addresses() -> list[str]:
    """IPv4 addresses of the machine itself, public ones first."""
    return sorted(_addresses(), key=lambda address: not ipaddress.ip_address(address).is_global)


def advice(wishes: Wishes) -> Iterator[str]:
    """What to set, or how to look from a laptop."""
    addresses = own_addresses()
    if not addresses:
        return
    best = addresses[0]
    if wishes.domain == "localhost" and ipaddress.ip_address(best).is_global:
        yield f"Open to the world: point *.apps.example.com (DNS, type A) at {best},"
        yield f'then write domain = "apps.example.com" (or "{best}.sslip.io", which needs no DNS) into {wishes.config}'
        yield "and type: paas restart"
    if wishes.domain == "localhost":
        yield f"From your laptop:  ssh -L {wishes.http_port}:localhost:{wishes.http_port} root@{best}"
        yield f"then open {wishes.url('hello.localhost')} there; browsers find *.localhost by themselves"


def _addresses() -> Iterator[str]:
    answer = subprocess.run(["ip", "-json", "-4", "address"], capture_output=True, text=True, check=False)
    for link in json.loads(answer.stdout or "[]"):
        if not str(link["ifname"]).startswith(CONTAINER_BRIDGES):
            yield from (entry["local"] for entry in link.get("addr_info", ()))
