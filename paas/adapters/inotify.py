"""Which file below a folder has just changed? One inotify instance and one thread per process serve all its readers.

Both end with the last reader: root's processes together have 128 instances (fs.inotify.max_user_instances).

A wake-up is a hint: the reader looks at the file itself. See inotify(7).
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from inotify_simple import INotify, flags

_MASK = flags.MODIFY | flags.ATTRIB | flags.CREATE | flags.MOVED_TO | flags.MOVED_FROM | flags.DELETE | flags.ONLYDIR


log = structlog.get_logger(__name__)


class Subscription:
    """One reader's interest in one file."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._is_touched = False

    def wake(self, is_touched: bool) -> None:
        self._is_touched = self._is_touched or is_touched
        self._woken.set()

    def wait(self, timeout: float) -> bool:
        """False after `timeout` seconds of silence."""
        return self._woken.wait(timeout)

    def take(self) -> bool:
        """Forget the wake-ups so far; was one of them a touch (utime) or a new folder rather than mere growth?"""
        self._woken.clear()
        is_touched, self._is_touched = self._is_touched, False
        return is_touched


class FolderWatch:
    """Watches the folders that somebody reads from; folders that are not there yet are waited for in their parent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = 0
        self._notify: INotify | None = None
        self._folders: dict[int, Path] = {}
        self._watches: dict[Path, int] = {}
        self._readers: dict[Path, set[Subscription]] = {}

    @contextmanager
    def subscribe(self, path: Path) -> Iterator[Subscription]:
        """Be woken when `path` changes, until the block is left."""
        subscription = Subscription()
        with self._lock:
            self._begin()
            for watched in (path, path.parent):
                self._readers.setdefault(watched, set()).add(subscription)
            self._add(path.parent.parent)
            self._add(path.parent)
        try:
            yield subscription
        finally:
            with self._lock:
                for watched in (path, path.parent):
                    self._forget(watched, subscription)

    def _begin(self) -> None:
        """Make the instance and its thread; again in a process that was forked from one that had them."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._notify = None
            self._folders, self._watches, self._readers = {}, {}, {}
        if self._notify is not None:
            return
        try:
            self._notify = INotify()
        except OSError as error:  # there are too many
            log.warning("inotify", error=str(error), hint="this reader looks once per time-out")
            return
        threading.Thread(target=self._dispatch, args=(self._notify,), name="inotify", daemon=True).start()

    def _add(self, folder: Path) -> None:
        if self._notify is None or folder in self._watches:
            return
        with contextlib.suppress(OSError):  # not there yet; or fs.inotify.max_user_watches: time-outs are the net
            number = self._notify.add_watch(folder, _MASK)
            self._watches[folder], self._folders[number] = number, folder

    def _forget(self, watched: Path, subscription: Subscription) -> None:
        readers = self._readers.get(watched, set())
        readers.discard(subscription)
        if readers:
            return
        self._readers.pop(watched, None)
        for folder in (watched, watched.parent):
            if folder in self._watches and not self._is_needed(folder):
                number = self._watches.pop(folder)
                self._folders.pop(number, None)
                with contextlib.suppress(OSError):
                    self._notify.rm_watch(number)  # type: ignore[union-attr]  # there is one: it gave the number

    def _is_needed(self, folder: Path) -> bool:
        return any(path.parent == folder for path in self._readers)

    def _dispatch(self, notify: INotify) -> None:
        while True:
            events = list(notify.read())
            with self._lock:
                for event in events:
                    self._tell(event.wd, event.mask, event.name)
                if not self._readers:  # the last one's watches were removed, which is an event
                    notify.close()
                    self._notify = None
                    self._folders, self._watches = {}, {}
                    return

    def _tell(self, number: int, mask: int, name: str) -> None:
        if mask & flags.Q_OVERFLOW:
            for readers in self._readers.values():
                for subscription in readers:
                    subscription.wake(is_touched=True)
            return
        folder = self._folders.get(number)
        if folder is None:
            return
        if mask & flags.IGNORED:  # the folder is gone
            self._folders.pop(number)
            self._watches.pop(folder, None)
            return
        path = folder / name
        readers = self._readers.get(path, set())
        if readers and mask & flags.ISDIR:
            self._add(path)
        for subscription in readers:
            subscription.wake(is_touched=bool(mask & flags.ATTRIB or mask & flags.ISDIR))
