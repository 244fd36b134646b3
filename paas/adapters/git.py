"""How do we talk to git? Bare repositories below `repositories/`, one child process per question.

Whatever is asked is a full ref or a hexadecimal object name. The one thing of ours that must lie in a repository is
`info/attributes`, which outranks the attributes that were pushed (gitattributes(5)).
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from paas.adapters.gitchild import TIMEOUT, GitChild, ServingGit, piped
from paas.errors import BadInputError, NotFoundError, UnavailableError
from paas.ports import CommitFacts, TreeEntry

NOTHING = "0" * 40  # git's "there is no such ref"
CHUNK = 1 << 20
TIDY_TIMEOUT = 3600.0  # packing a repository of gigabytes (s)

_APP_ID = re.compile(r"[a-z0-9]{1,32}", re.ASCII)
_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_REF = re.compile(r"refs/[^\0\n]+")


class GitRepositories:
    """The port `GitHost`. `assets`: our folder `deploy/git` with `hooks/` and `template/`, read-only."""

    def __init__(self, root: Path, assets: Path, user: str, push_limit: int) -> None:
        self._root = root
        self._template = assets / "template"
        self._git = GitChild(
            user,
            {
                "core.hooksPath": str(assets / "hooks"),
                "core.bigFileThreshold": "32m",  # larger files are streamed, not held in memory
                "gc.auto": "0",
                "gc.pruneExpire": "2.weeks.ago",  # longer than any push waits for its deploy
                "maintenance.auto": "false",
                "receive.autogc": "false",
                "receive.fsckObjects": "true",
                "receive.maxInputSize": str(push_limit),
                "receive.unpackLimit": "1",  # a push is one pack, synced to disk, not a hundred files that are not
                "receive.advertisePushOptions": "true",
                "receive.advertiseAtomic": "true",
                "receive.procReceiveRefs": "refs",  # our hook answers for every ref, and moves it itself
                "pack.windowMemory": "64m",
                "tar.umask": "0022",
                "uploadpack.allowFilter": "true",
                "uploadpack.allowAnySHA1InWant": "true",  # partial clones ask so; version 2 lets them
            },
        )

    def create(self, app_id: str) -> Path:
        path = self._path(app_id)
        if path.is_dir():
            return path
        new = self._root / f".{app_id}-{secrets.token_hex(4)}"  # whole at once: two first pushes may come together
        words = ("init", "--quiet", "--bare", "--initial-branch=main", f"--template={self._template}", str(new))
        answer = self._git.run(self._root, *words)
        if answer.returncode != 0:
            raise UnavailableError(f"The repository could not be made: {_one_line(answer.stderr)}")
        try:
            new.rename(path)
        except OSError:
            shutil.rmtree(new)
            if not path.is_dir():
                raise
        return path

    def remove(self, app_id: str) -> None:
        path, gone = self._path(app_id), self._root / f".{app_id}-gone"
        if path.exists():
            shutil.rmtree(gone, ignore_errors=True)
            path.rename(gone)
        if gone.exists():
            shutil.rmtree(gone)

    def branch(self, app_id: str, name: str) -> str | None:
        if not self._path(app_id).is_dir():
            return None
        answer = self._ask(app_id, "show-ref", "--verify", "--hash", "--", _ref(f"refs/heads/{name}"))
        return answer.stdout.decode().strip() if answer.returncode == 0 else None

    def refs(self, app_id: str) -> dict[str, str]:
        if not self._path(app_id).is_dir():
            return {}
        listing = self._read(app_id, "for-each-ref", "--format=%(objectname) %(refname)")
        pairs = (line.split(" ", 1) for line in listing.decode(errors="surrogateescape").split("\n") if line)
        return {ref: target for target, ref in pairs}

    def move(self, app_id: str, ref: str, old: str | None, new: str) -> bool:
        words = ("update-ref", "--", _ref(ref), _object(new), _object(old or NOTHING))
        return self._ask(app_id, *words).returncode == 0

    def facts(self, app_id: str, commit: str, quarantine: Path | None = None) -> CommitFacts:
        words = ("log", "--no-walk", "--no-show-signature", "--encoding=UTF-8", "--format=%H%x00%an <%ae>%x00%ct%x00%s")
        environment = self._look_into(app_id, quarantine)
        text = self._read(app_id, *words, "--end-of-options", _object(commit), "--", environment=environment)
        if not text:  # git has nothing to say of a tree or a file
            raise BadInputError(f"{commit[:12]} is not a commit", "git push paas main", code="not-a-commit")
        full, author, moment, subject = text.split(b"\0", 3)
        return CommitFacts(full.decode(), _one_line(author), _one_line(subject), _moment(moment))

    def entries(self, app_id: str, commit: str, quarantine: Path | None = None) -> Iterator[TreeEntry]:
        """A few hundred bytes can describe a tree of billions of entries: the caller stops when it has seen enough.

        Folders are listed too: of billions of empty ones git would say nothing while it walks through all of them.
        """
        words = ("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", "--end-of-options", _object(commit))
        environment = self._look_into(app_id, quarantine)
        with self._git.stream(self._path(app_id), *words, environment=environment) as child:
            try:
                for record in _records(piped(child.stdout)):
                    yield _tree_entry(record)
            except BaseException:
                child.kill()
                raise
        _must_have_read(child, commit)

    def blobs(self, app_id: str, objects: Sequence[str], quarantine: Path | None = None) -> Iterator[bytes]:
        if not objects:
            return
        question = "".join(f"{_object(name)}\n" for name in objects).encode()
        environment = self._look_into(app_id, quarantine)
        rest = self._read(app_id, "cat-file", "--batch", stdin=question, environment=environment)
        for _ in objects:
            header, _, rest = rest.partition(b"\n")
            size = int(header.rsplit(b" ", 1)[1])
            yield rest[:size]
            rest = rest[size + 1 :]

    def ancestors_among(self, app_id: str, commit: str, candidates: Sequence[str]) -> list[str]:
        def is_ancestor(candidate: str) -> bool:
            words = ("merge-base", "--is-ancestor", _object(candidate), _object(commit))
            return candidate == commit or self._ask(app_id, *words).returncode == 0

        return [candidate for candidate in candidates if is_ancestor(candidate)]

    def archive(self, app_id: str, commit: str, target: Path) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with (
            open(descriptor, "wb", buffering=0) as file,  # noqa: PTH123 - a descriptor, not a path
            self._git.stream(self._path(app_id), "archive", "--format=tar", _object(commit)) as child,
        ):
            output = piped(child.stdout)
            while chunk := output.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
                size += len(chunk)
        _must_have_read(child, commit)
        return digest.hexdigest(), size

    def serve(
        self, app_id: str, service: Literal["receive-pack", "upload-pack"], environment: Mapping[str, str]
    ) -> ServingGit:
        words = ("--strict", ".") if service == "upload-pack" else (".",)
        return self._git.serve(self._path(app_id), service, *words, environment=environment)

    def point_head(self, app_id: str, branch: str) -> None:
        ref = _ref(f"refs/heads/{branch}")
        if (self._path(app_id) / "HEAD").read_bytes() != f"ref: {ref}\n".encode(errors="surrogateescape"):
            self._ask(app_id, "symbolic-ref", "--", "HEAD", ref)

    def tidy(self, app_id: str) -> None:
        self._ask(
            app_id, "-c", "gc.auto=2000", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet", timeout=TIDY_TIMEOUT
        )

    def _path(self, app_id: str) -> Path:
        if not _APP_ID.fullmatch(app_id):
            raise ValueError(f"not an app id: {app_id!a}")
        return self._root / f"{app_id}.git"

    def _look_into(self, app_id: str, quarantine: Path | None) -> dict[str, str]:
        """The environment in which git also sees the objects of a push that waits for its pre-receive hook."""
        if quarantine is None:
            return {}
        objects = self._path(app_id) / "objects"
        if quarantine.parent.resolve() != objects.resolve() or not quarantine.name.startswith("tmp_objdir-"):
            raise ValueError(f"not a quarantine of {app_id}: {quarantine}")
        return {"GIT_OBJECT_DIRECTORY": str(quarantine), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}

    def _ask(self, app_id: str, *words: str, timeout: float = TIMEOUT) -> subprocess.CompletedProcess[bytes]:
        return self._git.run(self._path(app_id), *words, timeout=timeout)

    def _read(
        self, app_id: str, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        answer = self._git.run(self._path(app_id), *words, stdin=stdin, environment=environment)
        if answer.returncode != 0:
            raise NotFoundError(f"git {words[0]}: {_one_line(answer.stderr)}", code="git")
        return answer.stdout


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    """What stands before each NUL byte."""
    rest = b""
    while chunk := os.read(stream.fileno(), CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def _tree_entry(record: bytes) -> TreeEntry:
    """From `<mode> <type> <object> <size>\\t<path>` (git-ls-tree(1))."""
    facts, path = record.split(b"\t", 1)
    mode, _kind, name, size = facts.decode().split()
    return TreeEntry(mode, path.decode(errors="surrogateescape"), 0 if size == "-" else int(size), name)


def _must_have_read(child: subprocess.Popen[bytes], commit: str) -> None:
    if child.returncode != 0:
        raise NotFoundError(f"Commit {commit[:12]} cannot be read", code="git")


def _moment(seconds: bytes) -> datetime:
    """Whoever commits writes what they like: the year 300,000 passes fsck, and becomes our last moment."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _object(name: str) -> str:
    if not _OBJECT.fullmatch(name):
        raise ValueError(f"not an object name: {name[:80]!a}")
    return name


def _ref(name: str) -> str:
    if not _REF.fullmatch(name):
        raise ValueError(f"not a full ref: {name[:80]!a}")
    return name


def _one_line(text: bytes) -> str:
    """Printable and short: a commit's words reach terminals."""
    words = text.decode(errors="replace").strip()
    return "".join(character if character.isprintable() else " " for character in words)[:200]
