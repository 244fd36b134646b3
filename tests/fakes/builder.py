"""A builder that builds at once: the image appears in the FakeRuntime, unless it was told to say no."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

from paas.errors import BuildError, CancelledJobError
from paas.ports import BaseImage, BuildOrder, BuiltImage, ImageFacts, IsCancelled, Say
from tests.fakes.runtime import FakeRuntime


class FakeBuilder:
    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime
        self.orders: list[BuildOrder] = []
        self.refusal: BuildError | None = None
        self.lines: tuple[str, ...] = ("Step 1/1 : built",)
        self.exposed_ports: tuple[int, ...] = ()
        self.command: tuple[str, ...] = ("serve",)
        self.pid = 4712
        self.origin: Literal["registry", "debian"] = "debian"

    def facts(self) -> Mapping[str, str]:
        return {"cli": "docker", "version": "fake", "frontend": "buildkit"}

    def base_origin(self) -> Literal["registry", "debian"]:
        return self.origin

    def base(self, name: str, say: Say) -> BaseImage:
        return BaseImage(name, f"fake/{name}", self.origin)

    def build(
        self, order: BuildOrder, say: Say, is_cancelled: IsCancelled, started: Callable[[int], None]
    ) -> BuiltImage:
        self.orders.append(order)
        started(self.pid)
        for line in self.lines:
            if is_cancelled():
                raise CancelledJobError("The build was cancelled")
            say(line)
        if self.refusal is not None:
            raise self.refusal
        image_id = "sha256:" + hashlib.sha256(order.tag.encode()).hexdigest()
        self._runtime.add_image(
            ImageFacts(
                id=image_id,
                tags=(order.tag,),
                size=1_000_000,
                created_at=datetime.now(UTC),
                exposed_ports=self.exposed_ports,
                entrypoint=(),
                command=self.command,
                user="",
                labels=dict(order.labels),
            )
        )
        return BuiltImage(image_id, order.tag)

    def prune(self, keep_bytes: int) -> int:
        return 0
