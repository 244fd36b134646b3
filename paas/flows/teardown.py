"""How does a whole installation leave the machine? Its firewall goes; with `purge` all that Docker holds of it, too."""

from __future__ import annotations

from paas.context import WorkerPlatform


def teardown(on: WorkerPlatform, *, purge: bool) -> None:
    """After the platform was stopped. Touches what carries this installation's label, and nothing else."""
    on.firewall.remove()
    if not purge:
        return
    for container in on.runtime.containers():
        on.runtime.remove(container.name)
    for network in on.runtime.networks():
        on.runtime.remove_network(network.name)
    for image in on.runtime.images():
        for tag in image.tags:
            on.runtime.remove_image(tag)
