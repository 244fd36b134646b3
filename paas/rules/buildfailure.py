"""Why did a build fail, in words that help? Known causes get a hint that the reader can type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

OUT_OF_MEMORY = "out-of-memory"
DISK_FULL = "disk-full"

_MORE_MEMORY = "let the build use less memory at a time; an administrator can raise build_memory"
_MORE_SPACE = "an administrator can free space: doctor shows what is used"


@dataclass(frozen=True)
class Failure:
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class _Cause:
    """`pattern` is looked for in what was said; its group `what` and the whole `error` fill the message."""

    pattern: str
    code: str
    message: str
    hint: str


# The first that matches wins: the more certain cause stands before the more general one.
_OF_THE_ENGINE = (
    _Cause(r"no space left on device|disk quota exceeded", DISK_FULL, "the server's disk is full", _MORE_SPACE),
    _Cause(
        r"failed to do request|pull access denied|manifest unknown|repository does not exist|failed to authorize"
        r"|failed to resolve source metadata|(?:registry|docker\.io|manifests)\S*: not found",
        "base-image",
        "the base image cannot be had: {error}",
        "check the image's name in the FROM line; without a registry only images that this server has can be used",
    ),
    _Cause(
        r"\"(?P<what>[^\"]+)\":? not found|lstat (?P<path>\S+): no such file|stat (?P<other>\S+): file does not exist",
        "missing-file",
        "COPY or ADD names a file that is not in the source: {what}",
        "commit the file, and see whether .dockerignore leaves it out",
    ),
    _Cause(
        r"target stage \"?(?P<what>[\w.-]+)\"? could not be found|failed to reach build target (?P<path>[\w.-]+)",
        "build-target",
        "the Dockerfile has no stage {what}",
        "builder:report shows the build target that is set",
    ),
)
_OF_A_COMMAND = (
    _Cause(r"(?:\A|\n)paas: (?P<what>[^\n]+)", "buildpack-refused", "{what}", ""),  # a buildpack's own last word
    _Cause(r"no space left on device|ENOSPC", DISK_FULL, "{step} failed: the server's disk is full", _MORE_SPACE),
    _Cause(
        r"heap out of memory|MemoryError|Cannot allocate memory",
        OUT_OF_MEMORY,
        "{step} ran out of memory",
        _MORE_MEMORY,
    ),
    _Cause(
        r"certificate verify failed|self[- ]signed certificate|unable to get local issuer certificate|x509: certificate"
        r"|UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT|invalid peer certificate",
        "certificates",
        "{step} failed: another server's certificate is not trusted",
        "behind an inspecting proxy an administrator sets build_ca_certificates",
    ),
    _Cause(
        r"temporary failure (?:in name resolution|resolving)|could not resolve|EAI_AGAIN|ENOTFOUND|ETIMEDOUT"
        r"|connection timed out|network is unreachable|dns error|no such host",
        "network",
        "{step} failed: another server did not answer",
        "try again; behind a proxy an administrator sets build_http_proxy",
    ),
    _Cause(
        r"no matching distribution found for (?P<what>\S+)|no solution found when resolving",
        "dependency",
        "{step} failed: a Python requirement cannot be satisfied",
        "the lines above name it and the versions that exist",
    ),
    _Cause(
        r"npm (?:ERR!|error) code (?P<what>\w+)",
        "dependency",
        "{step} failed: npm gave up with {what}",
        "run npm install on your machine and commit package-lock.json",
    ),
)
_KILLED = re.compile(r"^(?:.*[:\s])?(?:Killed|signal: killed|SIGKILL)\s*$", re.MULTILINE)
_MISSING_COMMAND = re.compile(
    r"(?:^|: )(?P<what>[\w./-]+): (?:command )?not found|exec: \"(?P<path>[^\"]+)\": .*(?:no such file|not found)",
    re.MULTILINE,
)
_CHAIN = re.compile(
    r"(?:ERROR: |failed to solve(?: with frontend dockerfile\.v0)?: |failed to create LLB definition: "
    r"|rpc error: code = \w+ desc = |failed to compute cache key: |failed to load cache key: )+"
)


def explain_failure(step: str, failure: str, error: str, tail: Sequence[str]) -> Failure:
    """`step`: heading of the failed step; `failure`: what the engine said of it; `error`: the client's last line."""
    code = exit_code_of(failure) or exit_code_of(error)
    output = "\n".join(tail)
    if code == 137 or (code is not None and _KILLED.search(output)):
        message = f"{step or 'A step'} was killed: the build ran out of memory (exit code {code})"
        return Failure(OUT_OF_MEMORY, message, _MORE_MEMORY)
    if code is not None:
        return _known(_OF_A_COMMAND, output, step) or _exit(step, code, output)
    said = bare_error(failure or error)
    return _known(_OF_THE_ENGINE, said, step) or Failure("build-failed", said or "the engine gave no reason", "")


def exit_code_of(failure: str) -> int | None:
    """`executor failed running [...]: exit code: 137` (20.10), `... complete successfully: exit code: 137` (later)."""
    match = re.search(r"exit code: (\d+)\s*$", failure)
    return int(match[1]) if match else None


def bare_error(error: str) -> str:
    """The cause without the chain of `failed to solve: ...` before it."""
    return _CHAIN.sub("", error, count=1).strip()[:500] if _CHAIN.match(error) else error.strip()[:500]


def _known(causes: Sequence[_Cause], said: str, step: str) -> Failure | None:
    for cause in causes:
        match = re.search(cause.pattern, said, re.IGNORECASE)
        if match:
            what = next((group for group in match.groupdict().values() if group), "")
            return Failure(cause.code, cause.message.format(what=what, error=said, step=step or "A step"), cause.hint)
    return None


def _exit(step: str, code: int, output: str) -> Failure:
    message = f"{step or 'A step'} failed with exit code {code}"
    missing = _MISSING_COMMAND.search(output)
    if code == 127 or (missing and missing["path"]):
        what = (missing["what"] or missing["path"]) if missing else "a command"
        return Failure("no-such-command", message, f"{what} is not in the image: install it in an earlier step")
    return Failure("build-failed", message, "")
