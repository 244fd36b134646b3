"""What every `Builder` promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from paas.errors import CancelledJobError
from paas.ports import Builder, BuildOrder

Order = Callable[[Mapping[str, str]], BuildOrder]
Inspect = Callable[[str], Mapping[str, Any]]


class BuilderContract:
    """Inherit and give the fixtures `builder`, `order` (files beside a Dockerfile) and `labels_of` (of an image id)."""

    def test_an_image_is_made_with_its_tag_and_labels(self, builder: Builder, order: Order, labels_of: Inspect) -> None:
        lines: list[str] = []
        pids: list[int] = []
        wanted = order({"app.py": "1"})
        built = builder.build(wanted, lines.append, lambda: False, pids.append)
        assert built.id.startswith("sha256:")
        assert built.tag == wanted.tag
        assert dict(wanted.labels).items() <= dict(labels_of(built.id)).items()
        assert lines
        assert len(pids) == 1

    def test_a_build_may_run_twice(self, builder: Builder, order: Order) -> None:
        wanted = order({"app.py": "1"})
        first = builder.build(wanted, lambda line: None, lambda: False, lambda pid: None)
        assert builder.build(wanted, lambda line: None, lambda: False, lambda pid: None) == first

    def test_a_cancelled_build_makes_no_image(self, builder: Builder, order: Order) -> None:
        with pytest.raises(CancelledJobError):
            builder.build(order({}), lambda line: None, lambda: True, lambda pid: None)

    def test_facts_name_client_version_and_frontend(self, builder: Builder) -> None:
        assert {"cli", "version", "frontend"} <= set(builder.facts())

    def test_base_images_come_from_a_registry_or_from_debian(self, builder: Builder) -> None:
        assert builder.base_origin() in ("registry", "debian")
