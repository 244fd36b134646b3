"""Why did a build fail, in words that help? Known causes get a hint that the reader can type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

OUT_OF_MEMORY = "out-of-memory"
DISK_FULL = "disk-full"


@dataclass(frozen=True)
class Failure:
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class _Cause:
    """`pattern` is looked for in the error and the step's last lines; its groups fill the words."""

    pattern: re.Pattern[str]
    code: str
    message: str
    hint: str


def _cause(pattern: str, code: str, message: str, hint: str) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), code, message, hint)


# The first that matches wins: the more certain cause stands before the more general one.
_IN_ERROR = (
    _cause(
        r"(?:failed to resolve source metadata|load metadata|pull access denied|failed to do request|manifest unknown|"
        r"not found: manifest|repository does not exist|failed to authorize).*?(?:for |https?://[^/]+/v2/)?(?P<what>[\w./:-]*)",
        "base-image", "the base image cannot be had: {error}",
        "check the image's name in the FROM line; when no registry can be reached, build on an image that this server has",
    ),
    _cause(r"no space left on device|ENOSPC|disk quota exceeded", DISK_FULL, "the server's disk is full",
           "an administrator can free space: doctor shows what is used"),
    _cause(r"\"?(?P<what>[^\"\s]+)\"?:? not found: not found|failed to (?:compute cache key|calculate checksum).*?\"(?P<path>[^\"]+)\"",
           "missing-file", "COPY or ADD names a file that is not in the source: {what}",
           "commit the file (git status), and see whether .dockerignore leaves it out"),
    _cause(r"target stage \"?(?P<what>[\w.-]+)\"? could not be found|failed to reach build target (?P<path>\S+)",
           "build-target", "the Dockerfile has no stage {what}", "builder:report shows the build target that is set"),
)  # fmt: skip
_IN_OUTPUT = (
    _cause(r"no space left on device|ENOSPC", DISK_FULL, "the server's disk is full", "an administrator can free space: doctor shows what is used"),
    _cause(r"temporary failure (?:in name resolution|resolving)|could not resolve|EAI_AGAIN|ENOTFOUND|connection timed out|"
           r"network is unreachable|connection refused|ETIMEDOUT|dns error",
           "network", "a download failed: the network or the other server did not answer",
           "try again; behind a proxy an administrator sets build_http_proxy"),
    _cause(r"certificate verify failed|self[- ]signed certificate|unable to get local issuer certificate|x509: certificate|"
           r"UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT|invalid peer certificate",
           "certificates", "a download failed: the other server's certificate is not trusted here",
           "behind an inspecting proxy an administrator sets build_ca_certificates"),
    _cause(r"no matching distribution found for (?P<what>\S+)|No solution found when resolving",
           "dependency", "a Python requirement cannot be satisfied: {what}", "see the lines above for the versions that exist"),
    _cause(r"npm (?:ERR!|error) code (?P<what>\w+)", "dependency", "npm gave up ({what})",
           "run npm install on your machine and commit package-lock.json"),
    _cause(r"heap out of memory", OUT_OF_MEMORY, "the build ran out of memory", "builds need less memory at a time, or an administrator raises build_memory"),
)  # fmt: skip


def exit_code_of(failure: str) -> int | None:
    """20.10: `executor failed running [...]: exit code: 137`; buildx: `process "..." did not complete successfully: exit code: 1`."""
    match = re.search(r"exit code: (\d+)\s*$", failure)
    return int(match[1]) if match else None


def explain_failure(step: str, failure: str, error: str, tail: Sequence[str]) -> Failure:
    """`step`: heading of the failed step; `failure`: what the engine said of it; `error`: the client's last line."""
    code = exit_code_of(failure or error)
    output = "\n".join(tail)
    where = f"{step} " if step else ""
    if code == 137 or (
        code is not None and re.search(r"^(?:.*[:\s])?(?:Killed|signal: killed)\s*$", output, re.MULTILINE)
    ):
        return Failure(
            OUT_OF_MEMORY,
            f"{where}was killed: the build ran out of memory (exit code {code})",
            "builds need less memory at a time, or an administrator raises build_memory",
        )
    said = failure or _bare(error)
    for cause in _IN_ERROR if code is None else _IN_OUTPUT:
        match = cause.pattern.search(said if code is None else output)
        if match:
            return _filled(cause, match, said)
    if code is not None:
        return _exit(step, code, output)
    return Failure("build-failed", _bare(said) or "the build failed without a word", "")


def _filled(cause: _Cause, match: re.Match[str], said: str) -> Failure:
    found = match.groupdict()
    what = found.get("what") or found.get("path") or ""
    return Failure(cause.code, cause.message.format(what=what.rstrip(":"), error=_bare(said)).rstrip(": "), cause.hint)


def _exit(step: str, code: int, output: str) -> Failure:
    message = f"{step or 'a step'} failed with exit code {code}"
    missing = re.search(
        r"(?:^|: )(?P<what>[\w./-]+): (?:command )?not found|exec: \"(?P<path>[^\"]+)\": .*no such file",
        output,
        re.MULTILINE,
    )
    if code == 127 or (missing and missing["path"]):
        what = (missing["what"] or missing["path"]) if missing else "a command"
        return Failure("no-such-command", message, f"{what} is not in the image: install it in an earlier step")
    return Failure("build-failed", message, "")


def _bare(error: str) -> str:
    """The cause without the chain of `failed to solve with frontend ...:` before it."""
    prefix = r"^(?:ERROR: |failed to solve(?: with frontend dockerfile\.v0)?: |failed to create LLB definition: |rpc error: code = \w+ desc = |failed to compute cache key: |failed to load cache key: )+"
    return re.sub(prefix, "", error).strip()[:500]
