"""Which configuration is in place? Numbered trees of files below `nginx/trees`, and the link `nginx/current` to one.

A tree is checked where it lies and never changed afterwards. Moving one in is the rename of a link: nginx, started at
any moment by anybody, reads a whole tree. Kept are the tree in place and the last one that nginx confirmed.

What a hand or a power cut changed in a tree is told by its manifest, and is not used again: nginx would not start with
one broken file, and without nginx no new tree can be confirmed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paas.adapters.nginx_config import Files

MANIFEST = "manifest.json"
NOTES = ("digest", "quarantined.json", MANIFEST, "confirmed")  # ours, of no matter to nginx

_TREE = re.compile(r"tree-(\d+)", re.ASCII)


@dataclass(frozen=True)
class Tree:
    """A folder of files. `digest` tells what was wanted when it was made, before anything was quarantined."""

    path: Path
    number: int

    @property
    def digest(self) -> str:
        return _read(self.path / "digest")

    @property
    def quarantined(self) -> dict[str, str]:
        """App id -> what nginx said of its site."""
        try:
            found: dict[str, str] = json.loads(_read(self.path / "quarantined.json") or "{}")
        except ValueError:
            return {}
        return found

    @property
    def is_confirmed(self) -> bool:
        return (self.path / "confirmed").exists()

    def confirm(self) -> None:
        """nginx answers with this tree."""
        (self.path / "confirmed").touch()

    @property
    def is_intact(self) -> bool:
        """Is it what was moved in, with nothing changed, added or taken away?"""
        files = self._files()
        return bool(files) and {name: _hash(content) for name, content in files.items()} == self._manifest

    def intact_files(self, *names: str) -> Files:
        """Those of its files that are as they were moved in; `names`: files, or folders with all in them."""
        hashes = self._manifest
        return {
            name: content
            for name, content in self._files().items()
            if hashes.get(name) == _hash(content) and (name in names or name.partition("/")[0] in names)
        }

    @property
    def _manifest(self) -> dict[str, str]:
        """File -> hash of its content."""
        try:
            found: dict[str, str] = json.loads(_read(self.path / MANIFEST) or "{}")
        except ValueError:
            return {}
        return found

    def _files(self) -> Files:
        """What nginx reads."""
        paths = [path for path in sorted(self.path.rglob("*")) if path.is_file() and path.name not in NOTES]
        return {str(path.relative_to(self.path)): path.read_bytes() for path in paths}


class Trees:
    """Those of one nginx."""

    def __init__(self, prefix: Path) -> None:
        self._folder = prefix / "trees"
        self._link = prefix / "current"
        self._staged: tuple[Files, Path] | None = None

    def current(self) -> Tree | None:
        """The one that the link names."""
        return self._tree(self._link.resolve())

    def last_good(self) -> Tree | None:
        """The newest one that nginx confirmed."""
        return next((tree for tree in reversed(self._all()) if tree.is_confirmed), None)

    def stage(self, files: Files) -> Path:
        """A folder with these files, in no use yet. There is one at a time."""
        if self._staged and self._staged[0] == files:
            return self._staged[1]
        if self._staged:
            shutil.rmtree(self._staged[1], ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="staging-", dir=self._folder))
        for part in {Path(name).parent for name in files} | {Path("sites")}:
            make_folder(folder / part)
        for name, content in files.items():
            file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as writer:
                writer.write(content)
                if not name.startswith("tls/"):
                    os.fchmod(file, 0o644)
        self._staged = (files, folder)
        return folder

    def next_number(self) -> int:
        return max((tree.number for tree in self._all()), default=0) + 1

    def move_in(self, files: Files, number: int, digest: str, quarantined: Mapping[str, str]) -> Tree:
        """Give checked files their number and point the link to them."""
        staging = self.stage(files)
        self._staged = None
        (staging / "digest").write_text(digest)
        (staging / "quarantined.json").write_text(json.dumps(dict(quarantined)))
        (staging / MANIFEST).write_text(json.dumps({name: _hash(content) for name, content in files.items()}))
        tree = Tree(staging.rename(self._folder / f"tree-{number}"), number)
        self.point_to(tree)
        return tree

    def point_to(self, tree: Tree) -> None:
        fresh = self._link.with_name("current.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(tree.path)
        fresh.replace(self._link)

    def prune(self) -> None:
        """Remove all but the tree in place and the last good one."""
        kept = {tree.path for tree in (self.current(), self.last_good()) if tree}
        for path in self._folder.iterdir():
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _all(self) -> list[Tree]:
        if not self._folder.is_dir():
            return []
        found = [tree for path in self._folder.iterdir() if (tree := self._tree(path))]
        return sorted(found, key=lambda tree: tree.number)

    def _tree(self, path: Path) -> Tree | None:
        match = _TREE.fullmatch(path.name)
        return Tree(path, int(match[1])) if match and path.is_dir() else None


def make_folder(path: Path, group: int | None = None) -> None:
    """One that nginx's workers may enter, whatever the umask is; with a group: that only it may."""
    path.mkdir(exist_ok=True)
    path.chmod(0o755 if group is None else 0o750)
    if group is not None:
        os.chown(path, 0, group)


def digest_of(files: Files, refused: Mapping[str, str]) -> str:
    """Equal for equal wishes."""
    digest = hashlib.sha256(json.dumps(dict(refused), sort_keys=True).encode())
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
