"""How does a job speak to the person who waits for it? In Heroku's manner:

    -----> Building a Python app (requirements.txt found)
           Collecting flask
     !     web.1 ended with exit code 1

No secret value is written, whatever a build or an app prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock

from paas.errors import BuildError, DeployError, PaasError
from paas.ports import Say
from paas.rules.config import Variable
from paas.rules.secret import Redactor

HEADER, BODY, REMARK = "-----> ", "       ", " !     "


class JobLog:
    """Say lines of a job. May be called from several threads; calling it says a line of the body."""

    def __init__(self, say: Say, limit: int) -> None:
        self._say = say
        self._left = limit
        self._lock = Lock()
        self._secrets: set[str] = set()
        self._redact = Redactor()

    def hide(self, *configs: Mapping[str, Variable]) -> None:
        """From now on none of these values is written."""
        self._secrets.update(variable.value.reveal() for config in configs for variable in config.values())
        self._redact = Redactor(self._secrets)

    def conceal(self, error: PaasError) -> None:
        """Take the values out of what an error quotes: it is kept in rows, and shown to all who may view the app."""
        error.message, error.hint = self._redact(error.message), self._redact(error.hint)
        if isinstance(error, BuildError | DeployError):
            error.tail = tuple(self._redact(line) for line in error.tail)

    def header(self, text: str) -> None:
        self._write(HEADER, text)

    def __call__(self, text: str) -> None:
        self._write(BODY, text)

    def remark(self, text: str) -> None:
        """Something that the reader should see: a warning, or why it failed."""
        self._write(REMARK, text)

    def quote(self, lines: Iterable[str]) -> None:
        """The last lines of something that failed."""
        for line in lines:
            self._write(REMARK, line)

    def _write(self, mark: str, text: str) -> None:
        with self._lock:
            for line in self._redact(text).splitlines() or [""]:
                self._left -= len(line) + len(mark)
                if mark is BODY and self._left <= 0:  # what went wrong is said even when a build was too chatty
                    if self._left + len(line) + len(mark) > 0:
                        self._say(f"{REMARK}The log is cut off here: it is too long")
                    continue
                self._say((mark + line).rstrip())
