"""What an image says of itself, on engines old and new."""

from __future__ import annotations

from datetime import UTC

from paas.adapters.docker_images import _facts


def test_an_image_that_tells_almost_nothing_has_facts() -> None:
    """Engine API 1.44 leaves out what an image's configuration leaves out, as a reproducible build does."""
    facts = _facts({"Id": "sha256:1", "Config": None})
    assert (facts.created_at.year, facts.created_at.tzinfo) == (1, UTC)
    assert (facts.tags, facts.exposed_ports, facts.command) == ((), (), ())


def test_only_tcp_ports_are_exposed_for_us() -> None:
    facts = _facts({"Id": "sha256:1", "Config": {"ExposedPorts": {"53/udp": {}, "8080/tcp": {}, "80": {}}}})
    assert facts.exposed_ports == (80, 8080)
