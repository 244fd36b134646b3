"""What does the Docker Engine hold of ours, and how is it made to do what we want? ports.Runtime, put together.

Containers, networks, images, logs, events and terminals have a file each beside this one.
"""

from __future__ import annotations

from paas.adapters.docker_engine import Engine
from paas.adapters.docker_events import DockerEvents
from paas.adapters.docker_images import DockerImages
from paas.adapters.docker_logs import DockerLogs
from paas.adapters.docker_networks import DockerNetworks
from paas.adapters.docker_terminal import DockerTerminals
from paas.ports import EngineFacts


class DockerRuntime(DockerTerminals, DockerNetworks, DockerImages, DockerLogs, DockerEvents):
    """ports.Runtime on one Docker Engine. `host`: `unix:///var/run/docker.sock`; nothing is asked until it is used."""

    def __init__(self, host: str, installation: str) -> None:
        self._engine = Engine(host, installation)

    def facts(self) -> EngineFacts:
        return self._engine.facts()
