"""What is in a source's tar file? Read as a list and as bytes, never unpacked on the host.

Hostile members are refused or made plain here, once for everybody who reads a source: names that leave the tree,
devices, hard links (become copies), sparse files and compression bombs (their unpacked size counts). Of a member that
occurs twice the last one is meant, as tar itself would leave it.
"""

from __future__ import annotations

import posixpath
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from paas.errors import BadInputError

MOST_MEMBERS = 1_000_000
_BROKEN = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError)


class TarSource:
    """An open source. `members` maps clean relative paths to what stands there, in the order of the archive.

    `known`: the members of the same file as another TarSource has found them; finding them takes 20 ms per 1,000.
    """

    def __init__(self, path: Path, limit: int, known: Mapping[str, tarfile.TarInfo] | None = None) -> None:
        self._limit = limit
        with _refusing_broken():
            self._tar = tarfile.open(path, "r:*", errors="surrogateescape", encoding="utf-8")  # noqa: SIM115 - closed by __exit__
            try:
                self.members: Mapping[str, tarfile.TarInfo] = self._index() if known is None else known
            except BaseException:
                self._tar.close()
                raise

    def __enter__(self) -> TarSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def open(self, path: str) -> IO[bytes]:
        """A regular file's bytes; a hard link's are those of what it names."""
        with _refusing_broken():
            try:
                opened = self._tar.extractfile(self._target(self.members[path]))
            except KeyError:
                opened = None
        if opened is None:
            raise BadInputError(f"{shown(path)} is not a file of the source", code="source")
        return opened

    def read(self, path: str, limit: int) -> bytes | None:
        """None when there is no such file. Raises BadInputError for a link and for what is larger than `limit`."""
        member = self.members.get(path)
        if member is None:
            return None
        if member.issym() or member.islnk():
            raise BadInputError(f"{shown(path)} is a link", "commit the file itself", code="source-link")
        if not member.isfile():
            return None
        if member.size > limit:
            raise BadInputError(
                f"{shown(path)} has {member.size:,} bytes, at most {limit:,} are read", code="source-file-size"
            )
        with _refusing_broken(), self.open(path) as file:
            return file.read(limit)

    def size(self, path: str) -> int:
        """Unpacked bytes of a file, of a hard link's target; 0 for anything else."""
        member = self.members[path]
        if member.islnk():
            member = self._target(member)
        return member.size if member.isfile() else 0

    def _index(self) -> dict[str, tarfile.TarInfo]:
        found: dict[str, tarfile.TarInfo] = {}
        total = 0
        for count, member in enumerate(self._tar, 1):
            if count > MOST_MEMBERS:
                raise BadInputError(f"The source has more than {MOST_MEMBERS:,} files", code="source-size")
            total += max(member.size, 0)
            if total > self._limit:
                raise BadInputError(
                    f"The source is larger than {self._limit:,} bytes when unpacked",
                    "see the setting source_limit",
                    code="source-size",
                )
            name = clean_name(member.name)
            if name and (member.isfile() or member.isdir() or member.issym() or member.islnk()):
                found.pop(name, None)  # the last one also takes its place in the order
                found[name] = member
        return found

    def _target(self, member: tarfile.TarInfo) -> tarfile.TarInfo:
        """What a hard link stands for: the file of that name; links to links and to nothing are refused."""
        if not member.islnk():
            return member
        target = self.members.get(clean_name(member.linkname))
        if target is None or not target.isfile():
            raise BadInputError(f"{shown(member.name)} is a hard link to nothing in the source", code="source")
        return target


def clean_name(name: str) -> str:
    """Relative, without `.`; "" for the root itself. Raises BadInputError for a name that leaves the tree."""
    if "\0" in name or ".." in name.split("/"):
        raise BadInputError(f"The source holds an unsafe path: {shown(name)}", code="source-path")
    return posixpath.normpath("/" + name).lstrip("/")


def plain_member(member: tarfile.TarInfo, name: str, size: int) -> tarfile.TarInfo:
    """A header of our own making: type, mode and time of `member`, no owner and no extras."""
    info = tarfile.TarInfo(name)
    info.mode = (member.mode & 0o777) | (0o700 if member.isdir() else 0o400)
    info.mtime = int(member.mtime) if 0 <= member.mtime < 2**33 else 0
    if member.isdir():
        info.type = tarfile.DIRTYPE
    elif member.issym():
        info.type, info.linkname = tarfile.SYMTYPE, member.linkname
    else:
        info.size = size
    return info


def plain_file(name: str, size: int, like: tarfile.TarInfo | None = None) -> tarfile.TarInfo:
    """A header for a file that we add; the mode of the one it replaces is kept."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644 if like is None else like.mode & 0o777 | 0o400
    return info


def plain_folder(name: str) -> tarfile.TarInfo:
    """A header for a folder that we add."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def shown(name: str) -> str:
    """A file name fit for a message."""
    return ascii(name[:200])[1:-1]


@contextmanager
def _refusing_broken() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise BadInputError(f"The source is not a readable tar file: {error}", code="source") from None
