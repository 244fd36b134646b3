"""How does one watch a job? Its log as it grows, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from paas.context import Platform
from paas.errors import NotFoundError
from paas.model import App, Job
from paas.model.app import find_app
from paas.model.job import ENDED, SUCCEEDED


@dataclass(frozen=True)
class Outcome:
    """How a job ended. `code` is stable (see errors.py), "" when it succeeded."""

    state: str
    code: str = ""
    message: str = ""
    hint: str = ""
    result: dict[str, object] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.state == SUCCEEDED


def outcome_of(on: Platform, job_id: int) -> Outcome | None:
    """None while it is queued or running. Raises NotFoundError for an unknown id."""
    with on.database.read() as session:
        job = session.get(Job, job_id)
    if job is None:
        raise NotFoundError(f"Build {job_id} does not exist", "builds:list APP")
    if job.state not in ENDED:
        return None
    return Outcome(job.state, job.result_code or "", job.result_message or "", job.result_hint or "", dict(job.result))


def app_of_job(on: Platform, job_id: int) -> str | None:
    """The name of the app under which this job is found (see builds.find_job), None when there is none."""
    with on.database.read() as session:
        job = session.get(Job, job_id)
        if job is None:
            return None
        app = session.get(App, job.app_id) if job.app_id else find_app(session, job.app_name or "")
        return app.name if app is not None else None


@dataclass(frozen=True)
class LogPart:
    """Whole lines of a log that may go on. `first`: the number of the first line, counted from 1; `end`: the offset
    behind the last one."""

    lines: list[str]
    first: int
    end: int


def log_so_far(on: Platform, job_id: int, limit: int) -> LogPart:
    """What the job has printed until now, of a long log the last `limit` bytes."""
    name = f"jobs/{job_id}.log"
    size = on.logs.size(name)
    before, offset, kept = 0, 0, b""
    while offset < size:
        chunk = on.logs.read(name, offset, size - offset)
        if not chunk:
            break
        offset += len(chunk)
        kept += chunk
        cut = kept.rfind(b"\n", 0, max(0, len(kept) - limit)) + 1
        before += kept.count(b"\n", 0, cut)
        kept = kept[cut:]
    whole = kept[: kept.rfind(b"\n") + 1]
    lines = whole.decode("utf-8", "replace").split("\n")[:-1]
    return LogPart(lines, before + 1, offset - len(kept) + len(whole))


def follow_chunks(on: Platform, job_id: int, offset: int = 0, timeout: float = 1.0) -> Iterator[tuple[int, bytes]]:
    """(offset after it, bytes) of the job's log until the job ended; b"" after `timeout` seconds of silence."""
    name = f"jobs/{job_id}.log"
    yield from on.logs.follow(name, offset, lambda: outcome_of(on, job_id) is not None, timeout)


def follow_lines(on: Platform, job_id: int, offset: int = 0, timeout: float = 1.0) -> Iterator[str | None]:
    """Lines of the job's log until the job ended; None after `timeout` seconds of silence."""
    rest = b""
    for _after, chunk in follow_chunks(on, job_id, offset, timeout):
        if not chunk:
            yield None
            continue
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode("utf-8", "replace")
