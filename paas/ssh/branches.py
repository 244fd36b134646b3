"""Do git's refs stand where the rows say? After each push, when the door starts, and every two seconds from then on.

The rounds are for the push whose door, hook or machine died between the release and the ref. Whoever moves refs reads
the rows under the lock: of two pushes that end at once, the later one's commit stays.
"""

from __future__ import annotations

import threading
import time

import structlog

from paas.commands.repositories import Branch, branches, tags_of
from paas.context import SshPlatform
from paas.errors import PaasError
from paas.rules.push import BRANCHES

INTERVAL = 2.0  # seconds; five are promised
INBOX_LIFETIME = 86_400.0  # a tar file that no push waits for any more

log = structlog.get_logger(__name__)


class BranchFollower:
    def __init__(self, on: SshPlatform) -> None:
        self._on = on
        self._git = on.repositories
        self._lock = threading.Lock()
        self._placed: dict[str, Branch] = {}  # git is asked only about what changed since
        self._stopping = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="branches", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def place(self, app_id: str) -> dict[str, str]:
        """Move this app's refs now; where they all stand."""
        with self._lock:
            self._follow(app_id, branches(self._on).get(app_id))
            return self._git.refs(app_id)

    def follow(self) -> None:
        """One round."""
        with self._lock:
            standing = branches(self._on)
            self._placed = {app_id: branch for app_id, branch in self._placed.items() if app_id in standing}
            for app_id, branch in standing.items():
                self._follow(app_id, branch)

    def _run(self) -> None:
        sweep_inbox(self._on)
        while not self._stopping.is_set():
            try:
                self.follow()
            except Exception:
                log.exception("branches")
            self._stopping.wait(INTERVAL)

    def _follow(self, app_id: str, branch: Branch | None) -> None:
        """When git would not, the next round tries again, and other apps do not wait for that."""
        if branch is None or self._placed.get(app_id) == branch:
            return
        try:
            if self._place(app_id, branch):
                self._placed[app_id] = branch
        except (PaasError, OSError) as error:
            log.warning("branches", app_id=app_id, error=str(error))

    def _place(self, app_id: str, branch: Branch) -> bool:
        self._git.create(app_id)
        refs = self._git.refs(app_id)
        wanted = {BRANCHES + branch.name: branch.commit, **tags_of(self._on, app_id)}
        moves = [(ref, target) for ref, target in wanted.items() if refs.get(ref) != target]
        is_moved = [self._git.move(app_id, ref, refs.get(ref), target) for ref, target in moves]
        self._git.point_head(app_id, branch.name)
        return all(is_moved)


def sweep_inbox(on: SshPlatform) -> None:
    """Remove what pushes of a former door left behind."""
    for file in on.settings.folder("inbox", "ssh").glob("*.tar"):
        if time.time() - file.stat().st_mtime > INBOX_LIFETIME:
            file.unlink(missing_ok=True)
