"""Where do sources lie, and how do they come in? Tar files below `sources/`, owned by root, read as bytes only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from tarfile import TarInfo
from typing import Literal

from paas.adapters.tarfiles import TarSource, clean_name
from paas.errors import BadInputError, NotFoundError, UnavailableError
from paas.ports import SourceFile
from paas.settings import Settings

MOST_REMEMBERED = 5_000  # members of the source that was read last: some 4 MB of memory

_CHUNK = 1 << 20


class TarSources:
    """`ports.Sources`. A door may lie about what is in its inbox: name, kind, owner, size and content are checked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.folder("sources")
        self._last: tuple[object, Mapping[str, TarInfo] | None] = None, None  # a deploy reads many files of one source

    def accept(self, inbox: Literal["ssh", "web"], file: str, sha256: str, source_id: int) -> Path:
        target = self.path(source_id)
        if target.exists() and _digest(target) == sha256:
            self._forget(inbox, file)
            return target
        opened = self._open(inbox, file)
        try:
            self._copy(opened, target, sha256)
        finally:
            os.close(opened)
        self._forget(inbox, file)
        return target

    def path(self, source_id: int) -> Path:
        return self._folder / f"{int(source_id)}.tar"

    def files(self, path: Path) -> list[SourceFile]:
        with self._source(path) as source:
            return [
                SourceFile(name, source.size(name), member.issym() or member.islnk(), bool(member.mode & 0o111))
                for name, member in source.members.items()
                if not member.isdir()
            ]

    def read(self, path: Path, name: str, limit: int = 1_000_000) -> bytes | None:
        with self._source(path) as source:
            return source.read(clean_name(name), limit)

    def remove(self, source_id: int) -> None:
        self.path(source_id).unlink(missing_ok=True)

    def _source(self, path: Path) -> TarSource:
        if not path.is_file():
            raise NotFoundError(f"The source {path.name} is gone", "push again", code="source-gone")
        facts = path.stat()
        this = (path, facts.st_ino, facts.st_size, facts.st_mtime_ns)
        which, known = self._last
        source = TarSource(path, self._settings.source_limit, known if which == this else None)
        if len(source.members) <= MOST_REMEMBERED:
            self._last = this, source.members
        return source

    def _open(self, inbox: Literal["ssh", "web"], file: str) -> int:
        """A regular file of that door's user, reached without following a link; its descriptor."""
        if not file or "/" in file or "\0" in file or file in (".", ".."):
            raise BadInputError("An inbox file has a plain name", code="source")
        folder = os.open(self._settings.folder("inbox", inbox), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            raise BadInputError(
                f"The inbox file cannot be taken: {error.strerror}", "push again", code="source"
            ) from None
        finally:
            os.close(folder)
        facts = os.fstat(opened)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != self._owner(inbox):
            os.close(opened)
            raise BadInputError("The inbox file is not a regular file of its door", code="source")
        return opened

    def _owner(self, inbox: Literal["ssh", "web"]) -> int:
        name = self._settings.ssh_user if inbox == "ssh" else self._settings.web_user
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            raise UnavailableError(f"The system user {name} does not exist", "run deploy/quickstart again") from None

    def _copy(self, opened: int, target: Path, sha256: str) -> None:
        """Copy while hashing; the target appears whole or not at all."""
        limit, total, digest = self._settings.source_limit, 0, hashlib.sha256()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made, name = tempfile.mkstemp(dir=self._folder, prefix=f".{target.name}.")
        try:
            with os.fdopen(made, "wb") as file:
                while chunk := os.read(opened, _CHUNK):
                    total += len(chunk)
                    if total > limit:
                        raise BadInputError(f"The source is larger than {limit:,} bytes", code="source-size")
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != sha256:
                raise BadInputError("The source is not the one that was announced", "push again", code="source-digest")
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)

    def _forget(self, inbox: Literal["ssh", "web"], file: str) -> None:
        if "/" not in file and file not in (".", ".."):
            with contextlib.suppress(OSError):
                (self._settings.folder("inbox", inbox) / file).unlink()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
