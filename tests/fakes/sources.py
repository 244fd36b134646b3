"""Sources as dictionaries of files; no tar is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from paas.errors import BadInputError
from paas.ports import SourceFile


class FakeSources:
    def __init__(self) -> None:
        self.inbox: dict[str, Mapping[str, bytes]] = {}  # inbox file name -> files
        self.stored: dict[Path, Mapping[str, bytes]] = {}
        self.links: set[str] = set()

    def put(self, source_id: int, files: Mapping[str, bytes]) -> Path:
        """Have a source without going through an inbox."""
        self.stored[self.path(source_id)] = dict(files)
        return self.path(source_id)

    def accept(self, inbox: Literal["ssh", "web"], file: str, sha256: str, source_id: int) -> Path:
        path = self.path(source_id)
        if path not in self.stored:
            if file not in self.inbox:
                raise BadInputError(f"{file} is not in the inbox", code="source")
            self.stored[path] = self.inbox.pop(file)
        return path

    def path(self, source_id: int) -> Path:
        return Path(f"/sources/{source_id}.tar")

    def files(self, path: Path) -> list[SourceFile]:
        return [
            SourceFile(name, len(body), name in self.links, False) for name, body in sorted(self.stored[path].items())
        ]

    def read(self, path: Path, name: str, limit: int = 1_000_000) -> bytes | None:
        body = self.stored[path].get(name)
        if body is not None and (name in self.links or len(body) > limit):
            raise BadInputError(f"{name} is a link or too large", code="source")
        return body

    def remove(self, source_id: int) -> None:
        self.stored.pop(self.path(source_id), None)
