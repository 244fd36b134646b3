"""Do git's refs stand where the rows say? Looked at when the door starts and every two seconds from then on.

A push moves its refs itself; this is for the push whose door, hook or machine died between the release and the ref.
"""

from __future__ import annotations

import threading
import time

import structlog

from paas.commands.repositories import BranchState, branch_states
from paas.context import SshPlatform
from paas.ssh.push import place_branch

INTERVAL = 2.0  # seconds; five are promised
INBOX_LIFETIME = 86_400.0  # a tar file that no push waits for any more

log = structlog.get_logger(__name__)


class BranchFollower:
    def __init__(self, on: SshPlatform) -> None:
        self._on = on
        self._placed: dict[str, BranchState] = {}  # what needs no second look: git is asked only about what changed
        self._stopping = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="branches", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def follow(self) -> None:
        """One round."""
        states = branch_states(self._on)
        for state in states:
            if self._placed.get(state.app_id) != state and self._place(state):
                self._placed[state.app_id] = state
        self._placed = {state.app_id: self._placed[state.app_id] for state in states if state.app_id in self._placed}

    def _run(self) -> None:
        sweep_inbox(self._on)
        while not self._stopping.is_set():
            try:
                self.follow()
            except Exception:
                log.exception("branches")
            self._stopping.wait(INTERVAL)

    def _place(self, state: BranchState) -> bool:
        git = self._on.repositories
        refs = git.refs(state.app_id)
        if not refs and git.branch(state.app_id, state.branch) is None:
            git.create(state.app_id)
        is_placed = place_branch(git, state.app_id, f"refs/heads/{state.branch}", state.commit)
        for ref, target in state.tags:
            is_placed = (refs.get(ref) == target or git.move(state.app_id, ref, refs.get(ref), target)) and is_placed
        return is_placed


def sweep_inbox(on: SshPlatform) -> None:
    """Remove what pushes of a former door left behind."""
    for file in on.settings.folder("inbox", "ssh").glob("*.tar"):
        if time.time() - file.stat().st_mtime > INBOX_LIFETIME:
            file.unlink(missing_ok=True)
