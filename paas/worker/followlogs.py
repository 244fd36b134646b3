"""Whose output is being followed? The port `LogKeeper`: brings what containers print into `logs/`, each line once.

The last lines of a log are its cursor (rules/logline.py), so a worker killed at any moment goes on exactly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from paas.errors import UnavailableError
from paas.ports import Clock, Container, Logs, Runtime
from paas.rules import names
from paas.worker.logfollower import RETRY, Flusher, Follower, Plumbing
from paas.worker.threads import SMALL, start_thread


class ContainerLogs:
    """The port `LogKeeper`."""

    def __init__(
        self, runtime: Runtime, logs: Logs, clock: Clock, secrets_of: Callable[[Container], Iterable[str]]
    ) -> None:
        self._plumbing = Plumbing(runtime, logs, clock, secrets_of)
        self._flusher = Flusher()
        self._lock = threading.Lock()
        self._followers: dict[str, Follower] = {}
        self._complete: set[str] = set()  # ended containers that were read to their end

    def begin(self, container: Container) -> None:
        if names.parse_container_name(container.name) is None:
            return  # release tasks and one-offs speak to their job or their terminal
        with self._lock:
            self._complete.discard(container.name)
            follower = self._followers.get(container.name)
            if follower is not None:
                follower.must_look_again = True
                return
            follower = self._followers[container.name] = Follower(self._plumbing, container, self._flusher)
        start_thread(lambda: follower.run(self._may_end), f"log {container.name}", SMALL)

    def begin_all(self) -> None:
        """Follow every copy that is not followed yet: at boot, and as the net below `begin`."""
        found = {one.name: one for one in self._plumbing.runtime.containers() if one.state != "created"}
        with self._lock:
            self._complete &= found.keys()
            missing = found.keys() - self._followers.keys() - self._complete
        for name in sorted(missing):
            self.begin(found[name])

    def finish(self, name: str, timeout: float = 60.0) -> None:
        with self._lock:
            follower = self._followers.get(name)
            is_complete = name in self._complete
        if follower is None:
            if not is_complete:
                self._read_to_the_end(name, timeout)
        elif not follower.ended.wait(timeout):
            self._give_up(follower, timeout)
        with self._lock:
            self._complete.discard(name)

    def close(self) -> None:
        """Let all followers end; what is not written by then is read again by the next worker."""
        with self._lock:
            followers = list(self._followers.values())
        for follower in followers:
            follower.close()

    def _may_end(self, follower: Follower) -> bool:
        """Decided under the lock: no `begin` may be lost to a follower that is about to end."""
        with self._lock:
            if follower.must_look_again:
                follower.must_look_again = False
                return False
            self._followers.pop(follower.container.name, None)
            self._complete.add(follower.container.name)
            return True

    def _read_to_the_end(self, name: str, timeout: float) -> None:
        """For a container that ended before this worker began."""
        clock = self._plumbing.clock
        until = clock.monotonic() + timeout
        follower: Follower | None = None
        while clock.monotonic() < until:
            try:
                container = self._plumbing.runtime.find(name)
                if container is None or names.parse_container_name(name) is None:
                    return
                follower = follower or Follower(self._plumbing, container, self._flusher)
                follower.read(follow=False)
                follower.close()
                return
            except UnavailableError:
                clock.sleep(RETRY)
        if follower is not None:
            follower.give_up(_complaint(name, timeout))

    def _give_up(self, follower: Follower, timeout: float) -> None:
        follower.give_up(_complaint(follower.container.name, timeout))
        with self._lock:
            self._followers.pop(follower.container.name, None)


def _complaint(name: str, timeout: float) -> str:
    return f"The last lines of {name} could not be read within {timeout:.0f} s"
