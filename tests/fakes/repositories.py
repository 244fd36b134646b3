"""Repositories as dictionaries: commits with a parent and files, branches that point at them."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from paas.ports import CommitFacts, TreeEntry


class FakeRepositories:
    def __init__(self, root: Path = Path("/nowhere")) -> None:
        self._root = root
        self.refs: dict[str, dict[str, str]] = {}  # app id -> full ref -> commit
        self.commits: dict[str, tuple[CommitFacts, str | None, Mapping[str, bytes]]] = {}  # facts, parent, files

    def commit(self, files: Mapping[str, bytes], parent: str | None = None, subject: str = "A change") -> str:
        """Make a commit; tests push with it."""
        name = hashlib.sha1(f"{len(self.commits)} {subject}".encode()).hexdigest()
        facts = CommitFacts(name, "Ada <ada@example.com>", subject, datetime(2026, 1, 1, tzinfo=UTC))
        self.commits[name] = (facts, parent, dict(files))
        return name

    def create(self, app_id: str) -> Path:
        self.refs.setdefault(app_id, {})
        return self._root / f"{app_id}.git"

    def remove(self, app_id: str) -> None:
        self.refs.pop(app_id, None)

    def branch(self, app_id: str, name: str) -> str | None:
        return self.refs.get(app_id, {}).get(f"refs/heads/{name}")

    def move(self, app_id: str, ref: str, old: str | None, new: str) -> bool:
        refs = self.refs[app_id]
        if refs.get(ref) != old:
            return False
        refs[ref] = new
        return True

    def facts(self, app_id: str, commit: str) -> CommitFacts:
        return self.commits[commit][0]

    def entries(self, app_id: str, commit: str) -> Iterator[TreeEntry]:
        for path, body in sorted(self.commits[commit][2].items()):
            yield TreeEntry("100644", path, len(body))

    def ancestors_among(self, app_id: str, commit: str, candidates: Sequence[str]) -> list[str]:
        line: set[str] = set()
        at: str | None = commit
        while at is not None:
            line.add(at)
            at = self.commits[at][1] if at in self.commits else None
        return [candidate for candidate in candidates if candidate in line]

    def archive(self, app_id: str, commit: str, target: Path) -> tuple[str, int]:
        packed = pack(self.commits[commit][2])
        target.write_bytes(packed)
        return hashlib.sha256(packed).hexdigest(), len(packed)


def pack(files: Mapping[str, bytes]) -> bytes:
    """A tar file of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, body in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()
