"""May this tree be deployed? Its modes, sizes and names, as git lists them while the push waits in quarantine.

git's own `fsckObjects` accepts a symlink named Procfile, gitlinks and submodules with `ext::` addresses. We refuse what
the platform would read through a link, what would silently be missing (submodules, Git LFS), and what is too large.
Other symlinks are let through wherever they point: a source is never unpacked on the host, only inside a container.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from paas.errors import BadInputError

SYMLINK, GITLINK = "120000", "160000"
READ_BY_US = frozenset({"Procfile", "app.json", "Dockerfile", ".dockerignore"})  # at the top; Sources refuses the rest
MOST_ENTRIES = 200_000
LONGEST_LINK = 4095  # PATH_MAX
MOST_POINTERS = 20_000

LFS_VERSION = b"version https://git-lfs.github.com/spec/v1\n"
# Lines "version ...", "oid sha256:<64>" and "size <1 to 15 digits>": git-lfs, docs/spec.md
_LFS_SIZES = range(len(LFS_VERSION) + 76 + 7, len(LFS_VERSION) + 76 + 22)


class Entry(Protocol):
    """One line of `git ls-tree -r -t -l`, as ports.TreeEntry has it."""

    @property
    def mode(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...


AnyEntry = TypeVar("AnyEntry", bound=Entry)


@dataclass(frozen=True)
class TreeLimits:
    """Bytes of one file and of all together."""

    file: int
    source: int


def check_tree(entries: Iterable[AnyEntry], limits: TreeLimits) -> list[AnyEntry]:
    """Look at every entry; those that may be Git LFS pointers are returned, for their contents to be looked at.

    Raises BadInputError: `too-many-files`, `too-large`, `symlink`, `submodule`.
    """
    total = 0
    submodules: list[str] = []
    pointers: list[AnyEntry] = []
    for count, entry in enumerate(entries, 1):
        if count > MOST_ENTRIES:
            raise BadInputError(f"The commit has more than {MOST_ENTRIES:,} files and folders", code="too-many-files")
        if entry.mode == GITLINK:
            submodules.append(entry.path)
        elif entry.mode == SYMLINK:
            _check_link(entry)
        elif entry.size in _LFS_SIZES and len(pointers) < MOST_POINTERS:
            pointers.append(entry)
        total += entry.size
        _check_size(entry, total, limits)
    if submodules:
        raise BadInputError(
            f"Submodules are not fetched: {_some(submodules)}",
            f"commit their files instead: git rm --cached {_shown(submodules[0])}, remove its .git, git add it again",
            code="submodule",
        )
    return pointers


def check_pointers(paths_and_contents: Iterable[tuple[str, bytes]]) -> None:
    """Raises BadInputError (code `git-lfs`) that names the files whose real contents are elsewhere."""
    found = [path for path, content in paths_and_contents if content.startswith(LFS_VERSION)]
    if found:
        raise BadInputError(
            f"Git LFS files are not fetched: {_some(found)}",
            f"commit the file itself: git lfs migrate export --include={_shown(found[0])}",
            code="git-lfs",
        )


def _check_link(entry: Entry) -> None:
    if entry.path in READ_BY_US:
        raise BadInputError(
            f"{entry.path} is a symbolic link", "commit a regular file: the platform reads it", code="symlink"
        )
    if entry.size > LONGEST_LINK:
        raise BadInputError(f"The symbolic link {_shown(entry.path)} is longer than a path can be", code="symlink")


def _check_size(entry: Entry, total: int, limits: TreeLimits) -> None:
    if entry.size > limits.file:
        raise BadInputError(
            f"{_shown(entry.path)} has {entry.size / 1e6:,.0f} MB, a file may have {limits.file / 1e6:,.0f}",
            "keep large files elsewhere, or raise PAAS_FILE_LIMIT",
            code="too-large",
        )
    if total > limits.source:
        raise BadInputError(
            f"The commit's files have more than {limits.source / 1e6:,.0f} MB together",
            "keep large files elsewhere, or raise PAAS_SOURCE_LIMIT",
            code="too-large",
        )


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(_shown(path) for path in paths[:3]) + more


def _shown(path: str) -> str:
    """A path as it may appear on a terminal."""
    return path if path.isprintable() and len(path) <= 200 else ascii(path[:200])
