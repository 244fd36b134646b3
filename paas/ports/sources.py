"""Where does code come from? Git repositories, and sources as tar files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class CommitFacts:
    commit: str
    author: str
    subject: str
    committed_at: datetime


@dataclass(frozen=True)
class TreeEntry:
    mode: str  # "100644", "100755", "120000" (symlink), "160000" (gitlink), "040000" (folder)
    path: str
    size: int  # 0 for a gitlink and a folder
    object: str = ""  # git's name of the blob


class Repositories(Protocol):
    """Bare repositories below `repositories/<app id>.git`, owned by the SSH user; git runs as that user only."""

    def create(self, app_id: str) -> Path:
        """Make it with our hooks and settings unless it is there."""

    def remove(self, app_id: str) -> None: ...

    def branch(self, app_id: str, name: str) -> str | None:
        """Commit of `refs/heads/<name>`."""

    def move(self, app_id: str, ref: str, old: str | None, new: str) -> bool:
        """Compare-and-swap of a full ref; False when it stood elsewhere."""

    def facts(self, app_id: str, commit: str) -> CommitFacts: ...

    def entries(self, app_id: str, commit: str) -> Iterator[TreeEntry]: ...

    def ancestors_among(self, app_id: str, commit: str, candidates: Sequence[str]) -> list[str]:
        """Those candidates that `commit` descends from (or is)."""

    def archive(self, app_id: str, commit: str, target: Path) -> tuple[str, int]:
        """Write the commit's tree as a tar file; (SHA-256 in hex, bytes)."""


class GitService(Protocol):
    """One of git's server programs at work. The streams are file descriptors.

    Who writes to `stdin` closes it: a descriptor closed under a writer may be somebody else's a moment later.
    """

    stdin: int
    stdout: int
    stderr: int

    def close_stdin(self) -> None: ...

    def wait(self) -> int:
        """Exit code, once it has ended."""

    def kill(self) -> None: ...

    def close_output(self) -> None: ...


class GitHost(Repositories, Protocol):
    """What the SSH door may do besides, as the owner of the repositories."""

    def serve(
        self, app_id: str, service: Literal["receive-pack", "upload-pack"], environment: Mapping[str, str]
    ) -> GitService:
        """Start the program that a client's git talks to. `environment` reaches it and its hooks."""

    def facts(self, app_id: str, commit: str, quarantine: Path | None = None) -> CommitFacts:
        """Of a tag its commit's. Raises BadInputError (code `not-a-commit`) for a tree or a file."""

    def entries(self, app_id: str, commit: str, quarantine: Path | None = None) -> Iterator[TreeEntry]:
        """Lazily, in git's order. `quarantine`: the object folder of a push that is not admitted yet."""

    def blobs(self, app_id: str, objects: Sequence[str], quarantine: Path | None = None) -> Iterator[bytes]:
        """The contents of small blobs, in this order."""

    def refs(self, app_id: str) -> dict[str, str]:
        """Full ref -> what it names; {} when there is no repository."""

    def point_head(self, app_id: str, branch: str) -> None:
        """What a clone checks out."""

    def tidy(self, app_id: str) -> None:
        """Pack what has piled up, if enough has."""


@dataclass(frozen=True)
class SourceFile:
    path: str  # relative, no leading ./
    size: int
    is_link: bool
    is_executable: bool


class Sources(Protocol):
    """Tar files below `sources/`, read as bytes, never unpacked on the host."""

    def accept(self, inbox: Literal["ssh", "web"], file: str, sha256: str, source_id: int) -> Path:
        """Copy from an inbox (O_NOFOLLOW, regular, that door's user's) while comparing the hash. May run twice."""

    def path(self, source_id: int) -> Path: ...

    def files(self, path: Path) -> list[SourceFile]: ...

    def read(self, path: Path, name: str, limit: int = 1_000_000) -> bytes | None:
        """One file's bytes; None when absent. Raises BadInputError when it is a link or larger than `limit`."""

    def remove(self, source_id: int) -> None: ...
