"""Every "no" said to a person: a stable code, what happened, and a hint that the reader can type.

Only doors catch these. Anything else that is raised is a bug: the door logs it and shows a reference number.
Exit codes follow Dokku's documentation where the concept exists.
"""

from __future__ import annotations


class PaasError(Exception):
    """A refusal that a person reads.

    code: stable, kebab-case, part of the API. message: one line, no trailing dot needed. hint: what to type next.
    exit_code: of `ssh paas@host ...`; http_status: of the API.
    """

    code = "refused"
    exit_code = 1
    http_status = 400

    def __init__(self, message: str, hint: str = "", *, code: str | None = None, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code
        if exit_code is not None:
            self.exit_code = exit_code

    def as_dict(self) -> dict[str, str]:
        """The API's error body: `{code, message, hint}`."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadInputError(PaasError):
    """What was typed cannot be what was meant."""

    code = "bad-input"
    http_status = 422


class UsageError(BadInputError):
    """A command was called with missing, surplus or unknown words."""

    code = "usage"


class UnknownCommandError(PaasError):
    code = "unknown-command"
    http_status = 404


class NotFoundError(PaasError):
    """Not there, or not yours: the same answer."""

    code = "not-found"
    http_status = 404


class AppNotFoundError(NotFoundError):
    """Dokku's exit code for an app that does not exist is 20."""

    code = "app-not-found"
    exit_code = 20

    def __init__(self, name: str) -> None:
        super().__init__(f"App {name} does not exist", "apps:list shows the apps that you may see")


class ForbiddenError(PaasError):
    """Known and visible, but not allowed for this caller."""

    code = "forbidden"
    http_status = 403


class UnauthenticatedError(PaasError):
    code = "unauthenticated"
    http_status = 401


class ConflictError(PaasError):
    """The name is taken, the app is locked, the state does not allow it."""

    code = "conflict"
    http_status = 409


class BuildError(PaasError):
    """The build said no. `tail` holds the last relevant lines of its output."""

    code = "build-failed"
    http_status = 422

    def __init__(self, message: str, hint: str = "", *, code: str | None = None, tail: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint, code=code)
        self.tail = tail


class DeployError(PaasError):
    """A release could not become current; the one before still serves. `tail`: the app's last lines."""

    code = "deploy-failed"
    http_status = 422

    def __init__(self, message: str, hint: str = "", *, code: str | None = None, tail: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint, code=code)
        self.tail = tail


class CancelledJobError(PaasError):
    code = "cancelled"
    http_status = 409


class SupersededError(PaasError):
    code = "superseded"
    http_status = 409


class UnavailableError(PaasError):
    """Something the platform itself needs is down or full: Docker, disk, the worker."""

    code = "unavailable"
    http_status = 503
