"""Which networks are there, and how is an app's made? A bridge of its own name, Docker's own range at its end."""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Network
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from paas.adapters.docker_engine import Engine, said
from paas.errors import ConflictError, UnavailableError
from paas.ports import NetworkSpec
from paas.rules import names, placement

OVERLAPS = ("overlap", "conflicts with network")  # libnetwork's words


class DockerNetworks:
    """The part of ports.Runtime that is about networks."""

    _engine: Engine

    def networks(self) -> list[NetworkSpec]:
        with self._engine.talking() as client:
            listed = client.networks(filters=self._engine.ours())
        return [
            NetworkSpec(entry["Name"], entry["Labels"].get(names.LABEL_APP_ID, ""), subnets[0])
            for entry in listed
            if (subnets := _subnets(entry))
        ]

    def create_network(self, spec: NetworkSpec) -> None:
        pool = IPAMPool(
            subnet=str(spec.subnet),
            iprange=str(placement.dynamic_range(spec.subnet)),
            gateway=str(placement.gateway(spec.subnet)),
        )
        with self._engine.talking() as client:
            try:
                client.create_network(
                    spec.name,
                    driver="bridge",
                    options={"com.docker.network.bridge.name": spec.name},
                    ipam=IPAMConfig(pool_configs=[pool]),
                    check_duplicate=True,
                    labels={names.LABEL_INSTALLATION: self._engine.installation, names.LABEL_APP_ID: spec.app_id},
                )
            except APIError as error:
                if self._is_there(spec):  # someone else was faster
                    return
                if any(words in said(error).lower() for words in OVERLAPS):
                    raise ConflictError(f"The subnet {spec.subnet} is taken", code="subnet-taken") from error
                raise

    def remove_network(self, name: str) -> None:
        with self._engine.talking() as client:
            try:
                if self._engine.is_ours(client.inspect_network(name)["Labels"]):
                    client.remove_network(name)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != 403:
                    raise
                raise ConflictError(f"Network {name} is still in use", code="network-in-use") from error

    def host_networks(self) -> list[IPv4Network]:
        with self._engine.talking() as client:
            held = [subnet for entry in client.networks() for subnet in _subnets(entry)]
        return held + _routes()

    def _is_there(self, spec: NetworkSpec) -> bool:
        return any(network.name == spec.name and network.subnet == spec.subnet for network in self.networks())


def _subnets(entry: dict[str, Any]) -> list[IPv4Network]:
    pools = (entry.get("IPAM") or {}).get("Config") or []
    return [IPv4Network(pool["Subnet"], strict=False) for pool in pools if "." in pool.get("Subnet", "")]


def _routes() -> list[IPv4Network]:
    """What the host reaches other than by its default route."""
    try:
        told = subprocess.run(["ip", "-j", "-4", "route", "show"], capture_output=True, check=True, timeout=10).stdout
        listed = json.loads(told or b"[]")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UnavailableError("The host's routes cannot be read", "apt install iproute2", code="routes") from error
    return [IPv4Network(route["dst"], strict=False) for route in listed if route["dst"] != "default"]
