"""Why did a build fail, in words that help? Known causes get a hint that the reader can type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from paas.rules.buildlog import TAIL_LINES

OUT_OF_MEMORY = "out-of-memory"
DISK_FULL = "disk-full"
OWN_WORD = "paas: "  # a buildpack's own last word begins with it

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
# Certain wherever a command says so: npm, pip and Go say it early, and more words follow.
_SAID_ANYWHERE = (
    _Cause(
        r"pg_config (?:executable )?not found",
        "compiler",
        "{step} failed: psycopg2 is built from source, and the image has neither PostgreSQL's headers nor a compiler",
        "require psycopg2-binary (or psycopg[binary]) instead, or write a Dockerfile",
    ),
    _Cause(
        r"(?:^|[\s/])(?P<what>gcc|g\+\+|cc|c\+\+|make|cmake|cargo|pkg-config): (?:command )?not found"
        r"|not found: (?P<tool>make)\b|command '(?:[\w./-]*[/-])?(?P<compiler>gcc|g\+\+|cc|c\+\+)' failed: No such file"
        r"|\"(?P<missing>gcc|cc)\": executable file not found|(?P<header>Python\.h): No such file",
        "compiler",
        "{step} failed: something is compiled, and the image has no {what}",
        "require a version of it that comes ready built, or write a Dockerfile that installs build-essential",
    ),
    _Cause(
        r"Git executable not found|spawn git(?: ENOENT)?\b|\bgit: (?:command )?not found",
        "no-git",
        "{step} failed: a dependency comes from a git repository, and the image has no git",
        "require a release, or an archive: NAME @ https://github.com/OWNER/REPOSITORY/archive/TAG.tar.gz",
    ),
    _Cause(
        r"build constraints exclude all Go files",
        "compiler",
        "{step} failed: a package needs cgo, which is off here",
        "use one in plain Go (modernc.org/sqlite), or write a Dockerfile with a compiler",
    ),
    _Cause(
        r"missing go\.sum entry|updates to go\.(?:mod|sum) needed",
        "dependency",
        "{step} failed: go.sum does not fit go.mod",
        "go mod tidy, commit go.mod and go.sum and push again",
    ),
    _Cause(
        r"npm ci` can only install packages when your package\.json",
        "dependency",
        "{step} failed: package-lock.json does not fit package.json",
        "npm install, commit package-lock.json and push again",
    ),
    _Cause(
        r"Unsupported URL Type \"workspace:",
        "dependency",
        "{step} failed: npm does not know workspace: dependencies, which are pnpm's and Yarn's",
        'write "*" for "workspace:*", run npm install and commit package-lock.json, or write a Dockerfile',
    ),
)
_SAID_AT_THE_END = (
    _Cause(rf"^{OWN_WORD}(?P<what>[^\n]+)", "buildpack-refused", "{what}", ""),
    _Cause(r"no space left on device|ENOSPC", DISK_FULL, "{step} failed: the server's disk is full", _MORE_SPACE),
    _Cause(
        r"heap out of memory|MemoryError|Cannot allocate memory",
        OUT_OF_MEMORY,
        "{step} ran out of memory",
        _MORE_MEMORY,
    ),
    _Cause(
        r"Resource temporarily unavailable|can't start new thread|cannot fork\b|can't fork\b",
        "too-many-processes",
        "{step} failed: it started more processes than builds may have together",
        "let the build do less at a time, such as make -j2",
    ),
    _Cause(
        r"certificate verify failed|self[- ]signed certificate|unable to get local issuer certificate|x509: certificate"
        r"|UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT|invalid peer certificate",
        "certificates",
        "{step} failed: another server's certificate is not trusted",
        "behind an inspecting proxy an administrator sets build_ca_certificates",
    ),
    _Cause(
        r"temporary failure (?:in name resolution|resolving)|could not resolve|\b(?:EAI_AGAIN|ENOTFOUND|ETIMEDOUT)\b"
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
        r"npm (?:ERR!|error) code (?P<what>E\w+)",
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


def explain_failure(step: str, failure: str, error: str, output: Sequence[str]) -> Failure:
    """`step`: heading of the failed step; `failure`: what the engine said of it; `error`: the client's last line.

    output: the step's last lines; most causes are looked for in the very last only, where the command gave up.
    """
    code = exit_code_of(failure) or exit_code_of(error)
    end = "\n".join(output[-TAIL_LINES:])
    if code == 137 or (code is not None and _KILLED.search(end)):
        message = f"{step or 'A step'} was killed: the build ran out of memory (exit code {code})"
        return Failure(OUT_OF_MEMORY, message, _MORE_MEMORY)
    if code is not None:
        return (
            _known(_SAID_ANYWHERE, "\n".join(output), step)
            or _known(_SAID_AT_THE_END, end, step)
            or _exit(step, code, end)
        )
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
        match = re.search(cause.pattern, said, re.IGNORECASE | re.MULTILINE)
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
