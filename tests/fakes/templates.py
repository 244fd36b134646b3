"""Buildpacks as dictionaries; rendering shows the facts."""

from __future__ import annotations

from collections.abc import Mapping


class FakeTemplates:
    def __init__(self, buildpacks: Mapping[str, str] | None = None) -> None:
        self._buildpacks = dict(buildpacks or {})

    def buildpacks(self) -> Mapping[str, str]:
        return self._buildpacks

    def render(self, buildpack: str, facts: Mapping[str, object]) -> Mapping[str, bytes]:
        return {".paas/Dockerfile": f"# {buildpack} {sorted(facts.items())}\n".encode()}
