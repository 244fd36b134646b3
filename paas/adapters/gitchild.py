"""How is git started? As a child that is the SSH user, with an environment of our own and our settings in its words.

Branch names such as `$(touch x)` and `--upload-pack=x` are legal: git gets lists of words, an empty home and none of
the machine's or a user's configuration. Our settings are given on every command line, so that a repository made by an
older version obeys the present ones.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from paas.errors import UnavailableError

TIMEOUT = 120.0  # one question to a repository, on a disk that is busy with other things (s)

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/nonexistent",
    "XDG_CONFIG_HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",  # refs/replace/* would show us another tree than the one that is deployed
    "GIT_PROTOCOL_FROM_USER": "0",  # no ext:: or file:: transport for anything that a user wrote
}


class GitChild:
    """One git command at a time, as `user`: directly, or as root by becoming it without supplementary groups."""

    def __init__(self, user: str, settings: Mapping[str, str]) -> None:
        self._become = _become(user)
        self._program = ["git", *(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))]

    def run(
        self,
        folder: Path,
        *words: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> subprocess.CompletedProcess[bytes]:
        """A question. Raises UnavailableError (code `git-timeout`) after `timeout` seconds."""
        try:
            return subprocess.run(
                [*self._program, *words],
                cwd=folder,
                env={**_ENVIRONMENT, **(environment or {})},
                input=stdin,
                capture_output=True,
                check=False,
                timeout=timeout,
                **self._become,
            )
        except subprocess.TimeoutExpired:
            raise UnavailableError(
                f"git {words[0]} did not end within {timeout:g} s", "paas doctor: is the disk busy?", code="git-timeout"
            ) from None

    def stream(
        self, folder: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A child whose output is read as it comes."""
        return self._start(folder, words, environment, subprocess.DEVNULL, subprocess.DEVNULL)

    def serve(self, folder: Path, *words: str, environment: Mapping[str, str]) -> ServingGit:
        return ServingGit(self._start(folder, words, environment, subprocess.PIPE, subprocess.PIPE))

    def _start(
        self, folder: Path, words: tuple[str, ...], environment: Mapping[str, str] | None, stdin: int, stderr: int
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._program, *words],
            cwd=folder,
            env={**_ENVIRONMENT, **(environment or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # a signal to the door's group does not interrupt a push
            **self._become,
        )


class ServingGit:
    """The port `GitService`: a child with three pipes."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._streams = tuple(piped(stream) for stream in (child.stdin, child.stdout, child.stderr))
        self.stdin, self.stdout, self.stderr = (stream.fileno() for stream in self._streams)

    def close_stdin(self) -> None:
        self._streams[0].close()

    def wait(self) -> int:
        return self._child.wait()

    def kill(self) -> None:
        self._child.kill()

    def close_output(self) -> None:
        for stream in self._streams[1:]:
            stream.close()


def piped(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the child was started without this pipe")
    return stream


def _become(user: str) -> dict[str, Any]:
    """Popen's words for becoming `user`; none when this process is that user already."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        hint = "run deploy/quickstart or deploy/install again"
        raise UnavailableError(f"There is no system user {user}", hint) from None
    if os.geteuid() == entry.pw_uid:
        return {}
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
