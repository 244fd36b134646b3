"""Where are log lines kept? In files below `logs/`, addressed by bytes ever written, so that rotation moves no offset.

Only the worker writes (files are root:paas 0640); web and ssh read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from paas.adapters.inotify import FolderWatch
from paas.adapters.logsegments import BLOCK, blocks_backwards, read_at, rotated_folder, segments
from paas.errors import BadInputError, UnavailableError

FILE_MODE = 0o640
FOLDER_MODE = 0o2750


class LogFiles:
    """The port `Logs`."""

    def __init__(self, folder: Path, file_limit: int = 10_000_000, files_kept: int = 5) -> None:
        self._folder = folder
        self._file_limit = file_limit
        self._files_kept = files_kept
        self._watch = FolderWatch()
        self._lock = threading.Lock()
        self._open: dict[str, _OpenLog] = {}

    def writer(self, name: str) -> SharedWriter:
        """Writers of one name share one open file: two containers of `web.1` may be alive at once."""
        path = self._path(name)
        with self._lock:
            log = self._open.get(name)
            if log is None:
                log = self._open[name] = _OpenLog(path, self._file_limit, self._files_kept)
            log.users += 1
        return SharedWriter(log, lambda: self._release(name, log))

    def size(self, name: str) -> int:
        found = segments(self._path(name))
        return found[-1].end if found else 0

    def start(self, name: str) -> int:
        found = segments(self._path(name))
        return found[0].start if found else 0

    def read(self, name: str, offset: int, limit: int = BLOCK) -> bytes:
        return read_at(self._path(name), offset, limit)[1]

    def tail(self, name: str, lines: int) -> list[str]:
        blocks: list[bytes] = []
        newlines = 0
        for block in blocks_backwards(self._path(name)):
            blocks.append(block)
            newlines += block.count(b"\n")
            if newlines > lines:
                break
        text = b"".join(reversed(blocks)).decode("utf-8", "replace")
        whole = text[: text.rfind("\n") + 1].split("\n")[:-1]
        return whole[-lines:] if lines > 0 else []

    def follow(
        self, name: str, offset: int, is_over: Callable[[], bool], timeout: float = 1.0
    ) -> Iterator[tuple[int, bytes]]:
        path = self._path(name)
        with self._watch.subscribe(path) as subscription:
            must_ask = True
            while True:
                must_ask = subscription.take() or must_ask
                begin, chunk = read_at(path, offset, BLOCK)
                if chunk:
                    offset = begin + len(chunk)
                    yield offset, chunk
                    continue
                if must_ask and is_over():
                    break
                must_ask = not subscription.wait(timeout)
                if must_ask:
                    yield offset, b""
            while chunk := (rest := read_at(path, offset, BLOCK))[1]:  # written between the last look and the end
                offset = rest[0] + len(chunk)
                yield offset, chunk

    def files(self, folder: str) -> list[str]:
        try:
            names = sorted(entry.name for entry in self._path(folder).iterdir() if entry.name.endswith(".log"))
        except FileNotFoundError:
            return []
        return [f"{folder}/{name}" for name in names]

    def remove(self, folder: str) -> None:
        path = self._path(folder)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
            shutil.rmtree(rotated_folder(path), ignore_errors=True)

    def _path(self, name: str) -> Path:
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise BadInputError(f"{name!a} is not the name of a log", code="log-name")
        return self._folder.joinpath(*parts)

    def _release(self, name: str, log: _OpenLog) -> None:
        with self._lock:
            log.users -= 1
            if log.users == 0:
                log.close()
                self._open.pop(name, None)


class SharedWriter:
    """The port `LogWriter`."""

    def __init__(self, log: _OpenLog, release: Callable[[], None]) -> None:
        self._log = log
        self._release = release
        self._is_closed = False

    def write(self, text: str) -> None:
        if text:
            self._log.append((text if text.endswith("\n") else text + "\n").encode("utf-8", "replace"))

    def close(self) -> None:
        """Touches the file, so that followers ask whether it is over: close a job's log after its row is committed."""
        if not self._is_closed:
            self._is_closed = True
            self._log.touch()
            self._release()


class _OpenLog:
    """The one open file behind all writers of a name."""

    def __init__(self, path: Path, file_limit: int, files_kept: int) -> None:
        self.users = 0
        self._path = path
        self._file_limit = file_limit
        self._files_kept = files_kept
        self._lock = threading.Lock()
        _make_folder(path.parent)
        self._file, self._size = _open_whole_lines(path)
        found = segments(path)
        self._start = found[-1].start if found else 0

    def append(self, lines: bytes) -> None:
        """Raises UnavailableError, with nothing half written, when the disk is full."""
        with self._lock:
            try:
                if self._size and self._size + len(lines) > self._file_limit:
                    self._rotate()
                rest = memoryview(lines)
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError as error:
                os.ftruncate(self._file, self._size)
                raise UnavailableError(f"Cannot write the log {self._path.name}: {error.strerror}") from error
            self._size += len(lines)

    def touch(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # the app was destroyed meanwhile
            os.utime(self._path)

    def close(self) -> None:
        os.close(self._file)

    def _rotate(self) -> None:
        folder = rotated_folder(self._path)
        _make_folder(folder)
        with contextlib.suppress(FileNotFoundError):  # the app was destroyed meanwhile
            self._path.rename(folder / f"{self._start:020d}")
        for old in sorted(folder.iterdir())[: -self._files_kept]:
            old.unlink()
        full, end = self._file, self._start + self._size
        self._file, self._size = _open_whole_lines(self._path)
        self._start = end
        os.close(full)  # last: were it closed and no other could be opened, its number might soon be another file's


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o750)  # the group comes from the set-group-id bit of `logs/`
        folder.chmod(FOLDER_MODE)


def _open_whole_lines(path: Path) -> tuple[int, int]:
    """Open for appending; a last line that a killed writer left without its end is cut off: (descriptor, size)."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(file, FILE_MODE)
    end = size = os.fstat(file).st_size
    while end:
        begin = max(0, end - BLOCK)
        newline = os.pread(file, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    if end < size:
        os.ftruncate(file, end)
    return file, end
