"""A failed build says why, and what to type."""

from __future__ import annotations

import pytest

from paas.rules.buildfailure import explain_failure

STEP = "Step 2/3 : RUN x"
OLD = "executor failed running [/bin/sh -c x]: exit code: {}"
NEW = 'process "/bin/sh -c x" did not complete successfully: exit code: {}'
SOLVE = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: "


@pytest.mark.parametrize("said", [OLD, NEW])
@pytest.mark.parametrize(
    ("code", "tail", "expected", "words"),
    [
        (137, ["Killed"], "out-of-memory", "Step 2/3 : RUN x was killed"),
        (137, [], "out-of-memory", "ran out of memory"),
        (
            2,
            ["c++: fatal error: Killed signal terminated program cc1plus", "x: signal: killed"],
            "out-of-memory",
            "memory",
        ),
        (134, ["FATAL ERROR: Reached heap limit - JavaScript heap out of memory"], "out-of-memory", "memory"),
        (127, ["/bin/sh: 1: yarn: not found"], "no-such-command", "exit code 127"),
        (1, ['runc run failed: unable to start: exec: "/x": stat /x: no such file'], "no-such-command", "exit code 1"),
        (2, ["/bin/sh: 1: Cannot fork"], "too-many-processes", "more processes"),
        (1, ["BlockingIOError: [Errno 11] Resource temporarily unavailable"], "too-many-processes", "more processes"),
        (1, ["OSError: [Errno 28] No space left on device"], "disk-full", "disk is full"),
        (1, ["curl: (6) Could not resolve host: example.com"], "network", "did not answer"),
        (1, ["npm error code ENOTFOUND"], "network", "did not answer"),
        (
            1,
            ["SSLError: certificate verify failed: unable to get local issuer certificate"],
            "certificates",
            "not trusted",
        ),
        (1, ["ERROR: No matching distribution found for nope==9"], "dependency", "cannot be satisfied"),
        (1, ["npm error code EUSAGE"], "dependency", "EUSAGE"),
        (1, ["npm error code 1"], "build-failed", "exit code 1"),
        (1, ["ModuleNotFoundError: No module named 'x'"], "build-failed", "exit code 1"),
        (1, ["Error: pg_config executable not found."], "compiler", "psycopg2"),
        (1, ["error: command 'gcc' failed: No such file or directory"], "compiler", "gcc"),
        (1, ["error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory"], "compiler", "gcc"),
        (127, ["sh: 1: make: not found", "npm ERR! code 127"], "compiler", "make"),
        (1, ["gyp ERR! stack Error: not found: make", *["gyp ERR! stack at x"] * 30], "compiler", "make"),
        (1, ["cause: Git executable not found. Ensure that"], "no-git", "has no git"),
        (1, ["package blog: build constraints exclude all Go files in /src"], "compiler", "cgo"),
        (1, ["main.go:2:9: missing go.sum entry for module"], "dependency", "go.sum"),
        (
            1,
            ["npm ERR! `npm ci` can only install packages when your package.json and", *["npm ERR! Missing: x"] * 90],
            "dependency",
            "package-lock.json does not fit",
        ),
        (1, ['npm ERR! Unsupported URL Type "workspace:": workspace:*'], "dependency", "workspace:"),
        (1, ["connection timed out", *["later"] * 20], "build-failed", "exit code 1"),
        (1, ["Traceback", "KeyError", "paas: collectstatic failed: x"], "buildpack-refused", "collectstatic failed"),
        (3, ["something else"], "build-failed", "Step 2/3 : RUN x failed with exit code 3"),
    ],
)
def test_a_failed_command_is_explained(said: str, code: int, tail: list[str], expected: str, words: str) -> None:
    failure = explain_failure(STEP, said.format(code), "", tail)
    assert failure.code == expected
    assert words in failure.message


@pytest.mark.parametrize(
    ("failure", "error", "expected", "words"),
    [
        ('"/nothere" not found: not found', "", "missing-file", "/nothere"),
        ('failed to calculate checksum of ref abc::def: "/a.txt": not found', "", "missing-file", "/a.txt"),
        (
            "",
            SOLVE + 'failed to do request: Head "https://r/v2/x": dial tcp: no such host',
            "base-image",
            "no such host",
        ),
        ("", "ERROR: failed to solve: nope:1: pull access denied, repository does not exist", "base-image", "nope:1"),
        ("", SOLVE + "dockerfile parse error line 2: Unknown flag: foo", "build-failed", "line 2: Unknown flag: foo"),
        (
            "",
            "failed to solve with frontend dockerfile.v0: target stage prod could not be found",
            "build-target",
            "prod",
        ),
        ("failed to copy files: write /x: no space left on device", "", "disk-full", "disk is full"),
        ("", "", "build-failed", "no reason"),
    ],
)
def test_what_the_engine_refuses_is_explained(failure: str, error: str, expected: str, words: str) -> None:
    explained = explain_failure("Step 1/1 : COPY x /", failure, error, [])
    assert explained.code == expected
    assert words in explained.message


def test_known_causes_have_a_hint() -> None:
    assert "build_memory" in explain_failure(STEP, OLD.format(137), "", []).hint
    assert "yarn" in explain_failure(STEP, OLD.format(127), "", ["/bin/sh: 1: yarn: not found"]).hint
