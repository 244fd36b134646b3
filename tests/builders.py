"""The real builder, for one test: an installation id of its own, and no image left behind, not even by a killed run."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paas.adapters.buildkit import BuildKit
from paas.adapters.docker_engine import Engine
from paas.ports import BuildOrder, BuiltImage
from paas.rules import names
from paas.settings import Settings
from tests.engine import HOST, new_app_id
from tests.images import python_image
from tests.sourcetar import write_source

RECIPES = Path(__file__).parents[1] / "deploy" / "base-images"


@dataclass
class Workshop:
    """Builds what a test describes; `lines` is what the last build said."""

    settings: Settings
    engine: Engine
    folder: Path
    lines: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.builder = BuildKit(self.settings, self.engine, RECIPES)
        self.base = python_image()

    def order(self, source_files: Mapping[str, str | bytes], app_id: str = "", /, **more: Any) -> BuildOrder:
        app_id = app_id or new_app_id()
        source = write_source(self.folder / f"{secrets.token_hex(4)}.tar", source_files)
        labels = {names.LABEL_INSTALLATION: self.engine.installation, names.LABEL_APP_ID: app_id}
        more = {"cache_key": f"key of {app_id}", "labels": labels} | more
        return BuildOrder(app_id, "blog", names.image_tag(app_id, secrets.token_hex(16)), source, **more)

    def build(self, source_files: Mapping[str, str | bytes], app_id: str = "", /, **more: Any) -> BuiltImage:
        return self.run(self.order(source_files, app_id, **more))

    def run(self, order: BuildOrder) -> BuiltImage:
        self.lines.clear()
        return self.builder.build(order, self.lines.append, lambda: False, self.pids.append)

    def dockerfile(self, *lines: str) -> dict[str, str | bytes]:
        return {"Dockerfile": "\n".join((f"FROM {self.base}", *lines)) + "\n"}

    def inspect(self, image: BuiltImage) -> dict[str, Any]:
        found: dict[str, Any] = self.engine.client.inspect_image(image.id)  # type: ignore[no-untyped-call]
        return found

    @property
    def log(self) -> str:
        return "\n".join(self.lines)


@contextlib.contextmanager
def workshop(folder: Path, **settings: Any) -> Iterator[Workshop]:
    _sweep()
    engine = Engine(HOST, f"t-build-{os.getpid()}-{secrets.token_hex(2)}")
    try:
        yield Workshop(Settings(home=folder / "home", **settings), engine, folder)
    finally:
        _clear(engine.installation)


def _clear(installation: str) -> None:
    client = Engine(HOST, installation).client
    for image in client.images(filters={"label": f"{names.LABEL_INSTALLATION}={installation}"}):
        client.remove_image(image["Id"], force=True)


def _sweep() -> None:
    """Remove the images of former runs whose process is gone."""
    client = Engine(HOST, "").client
    for image in client.images(filters={"label": names.LABEL_INSTALLATION}):
        installation = image["Labels"][names.LABEL_INSTALLATION]
        words = installation.split("-")
        if words[:2] == ["t", "build"] and not Path(f"/proc/{words[2]}").exists():
            _clear(installation)
