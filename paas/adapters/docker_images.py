"""Which images of ours does the engine hold, and what do they say of themselves?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from docker.errors import APIError, ImageNotFound

from paas.adapters.docker_engine import Engine
from paas.ports import ImageFacts
from paas.rules import names

UNKNOWN = "0001-01-01T00:00:00Z"  # what engines before 25 said of an image that does not tell when it was made


class DockerImages:
    """The part of ports.Runtime that is about images."""

    _engine: Engine

    def image(self, reference: str) -> ImageFacts | None:
        with self._engine.talking() as client:
            try:
                return _facts(client.inspect_image(reference))
            except ImageNotFound:
                return None

    def images(self, app_id: str | None = None) -> list[ImageFacts]:
        narrowed = {names.LABEL_APP_ID: app_id} if app_id else {}
        with self._engine.talking() as client:
            listed = client.images(filters={**self._engine.ours(**narrowed), "dangling": False})
        found = [self.image(entry["Id"]) for entry in listed]
        return [facts for facts in found if facts is not None and facts.tags]

    def remove_image(self, reference: str) -> bool:
        with self._engine.talking() as client:
            try:
                client.remove_image(reference)
            except ImageNotFound:
                return True
            except APIError as error:
                if error.status_code == 409:
                    return False
                raise
        return True


def _facts(told: Mapping[str, Any]) -> ImageFacts:
    config = told.get("Config") or {}
    ports = [port.partition("/") for port in config.get("ExposedPorts") or {}]
    return ImageFacts(
        id=told["Id"],
        tags=tuple(told.get("RepoTags") or ()),
        size=int(told.get("Size", 0)),
        created_at=datetime.fromisoformat(told.get("Created") or UNKNOWN),
        exposed_ports=tuple(sorted(int(number) for number, _, kind in ports if kind in ("", "tcp"))),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        labels=dict(config.get("Labels") or {}),
        environment=dict(entry.split("=", 1) for entry in config.get("Env") or () if "=" in entry),
    )
