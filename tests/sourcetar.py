"""Sources for tests: tar files with what is asked for, hostile members included."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def write_source(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """A tar of plain files, as `git archive` makes it."""
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            add_file(tar, name, content)
    return path


def add_file(tar: tarfile.TarFile, name: str, content: str | bytes = b"", mode: int = 0o644) -> None:
    body = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(body), mode
    tar.addfile(info, io.BytesIO(body))


def add_member(tar: tarfile.TarFile, name: str, kind: bytes, target: str = "") -> None:
    """A link, folder or device."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    tar.addfile(info)
