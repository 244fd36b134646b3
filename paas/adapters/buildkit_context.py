"""What does BuildKit get to see of a source? A tar on its standard input, made in flight from the source's tar.

The sub-directory that is built, without what .dockerignore leaves out, with the platform's files added and the
Dockerfile rewritten. Links pass as they are: they are only ever followed inside BuildKit's own tree.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Mapping
from typing import IO

from paas.adapters.tarfiles import TarSource, clean_name, plain_file, plain_folder, plain_member
from paas.errors import BuildError
from paas.ports import BuildOrder
from paas.rules.dockerfile import LARGEST_DOCKERFILE
from paas.rules.ignore import Ignored, matcher, read_ignore_file


class BuildContext:
    """The context of one order: read what decides first, then stream."""

    def __init__(self, source: TarSource, order: BuildOrder) -> None:
        self._source = source
        self._root = clean_name(order.context)
        self._files = {clean_name(name): content for name, content in order.files.items()}
        self.dockerfile = clean_name(order.dockerfile) or "Dockerfile"
        if self._root and not any(name.startswith(f"{self._root}/") for name in source.members):
            raise BuildError(
                f"The source has no folder {self._root}",
                "builder:set APP build-dir names the folder to build",
                code="build-dir",
            )

    def read_dockerfile(self) -> bytes:
        """The platform's own, else the user's. Raises BuildError when there is none, BadInputError for a link."""
        if self.dockerfile in self._files:
            return self._files[self.dockerfile]
        content = self._source.read(self._path(self.dockerfile), LARGEST_DOCKERFILE)
        if content is None:
            raise BuildError(
                f"The source has no {self._path(self.dockerfile)}",
                "builder:set APP dockerfile names its path",
                code="dockerfile-missing",
            )
        return content

    def write(self, target: IO[bytes], dockerfile: bytes) -> None:
        """Stream the whole context."""
        added: Mapping[str, bytes] = {**self._files, self.dockerfile: dockerfile}
        is_ignored = self._ignored()
        with tarfile.open(
            fileobj=target, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
        ) as tar:
            # The client knows a tar by its first 512 bytes: a long or foreign name in front would make it no tar.
            tar.addfile(plain_folder("."))
            for path, member in self._source.members.items():
                name = self._name(path)
                if name is None or name in added or is_ignored(name) or _blocks(name, member, added):
                    continue
                if member.isdir() or member.issym():
                    tar.addfile(plain_member(member, name, 0))
                else:
                    with self._source.open(path) as file:
                        tar.addfile(plain_member(member, name, self._source.size(path)), file)
            for name, content in added.items():
                like = self._source.members.get(self._path(name))
                tar.addfile(plain_file(name, len(content), like), io.BytesIO(content))

    def _path(self, name: str) -> str:
        """In the source's tar."""
        return posixpath.join(self._root, name) if self._root else name

    def _name(self, path: str) -> str | None:
        """In the context; None for what lies outside of it."""
        if not self._root:
            return path
        return path[len(self._root) + 1 :] if path.startswith(f"{self._root}/") else None

    def _ignored(self) -> Ignored:
        for name in (f"{self.dockerfile}.dockerignore", ".dockerignore"):
            if self._path(name) in self._source.members:
                content = self._source.read(self._path(name), LARGEST_DOCKERFILE) or b""
                return Ignored([(back, matcher(pattern)) for back, pattern in read_ignore_file(content)])
        return Ignored([])


def _blocks(name: str, member: tarfile.TarInfo, added: Mapping[str, bytes]) -> bool:
    """A user's file or link where one of our files needs a folder."""
    return not member.isdir() and any(path.startswith(f"{name}/") for path in added)
