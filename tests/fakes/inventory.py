"""The fake engine's networks and images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from ipaddress import IPv4Network

from paas.errors import ConflictError
from paas.ports import ImageFacts, NetworkSpec
from paas.rules import names


class FakeInventory(ABC):
    def __init__(self) -> None:
        self._networks: dict[str, NetworkSpec] = {}
        self._images: dict[str, ImageFacts] = {}
        self._host_networks: list[IPv4Network] = [IPv4Network("172.17.0.0/16")]

    @abstractmethod
    def _settle(self) -> None: ...

    @abstractmethod
    def _images_in_use(self) -> Iterable[str]: ...

    def add_image(self, facts: ImageFacts) -> None:
        self._images[facts.id] = facts

    def networks(self) -> list[NetworkSpec]:
        self._settle()
        return list(self._networks.values())

    def create_network(self, spec: NetworkSpec) -> None:
        self._settle()
        if spec.name in self._networks:
            return
        if any(spec.subnet.overlaps(taken) for taken in self.host_networks()):
            raise ConflictError(f"The subnet {spec.subnet} is taken", code="subnet-taken")
        self._networks[spec.name] = spec

    def remove_network(self, name: str) -> None:
        self._settle()
        self._networks.pop(name, None)

    def host_networks(self) -> list[IPv4Network]:
        return self._host_networks + [spec.subnet for spec in self._networks.values()]

    def image(self, reference: str) -> ImageFacts | None:
        self._settle()
        for facts in self._images.values():
            if reference == facts.id or reference in facts.tags:
                return facts
        return None

    def images(self, app_id: str | None = None) -> list[ImageFacts]:
        self._settle()
        return [facts for facts in self._images.values() if app_id in (None, facts.labels.get(names.LABEL_APP_ID))]

    def remove_image(self, reference: str) -> bool:
        facts = self.image(reference)
        if facts is None:
            return True
        if any(used in (facts.id, *facts.tags) for used in self._images_in_use()):
            return False
        del self._images[facts.id]
        return True
