"""How does one watch a job? Its log as it grows, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from paas.context import Platform
from paas.errors import NotFoundError
from paas.model import Job
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


def log_so_far(on: Platform, job_id: int, limit: int) -> tuple[str, int]:
    """The last `limit` bytes of whole lines written until now, and the offset behind them."""
    name = f"jobs/{job_id}.log"
    size = on.logs.size(name)
    start = max(0, size - limit)
    read = b""
    while start + len(read) < size:
        chunk = on.logs.read(name, start + len(read), size - start - len(read))
        if not chunk:
            break
        read += chunk
    whole = read[: read.rfind(b"\n") + 1]
    return whole.decode("utf-8", "replace"), start + len(whole)


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
