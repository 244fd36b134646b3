"""BuildKit's progress becomes lines for people; what a failure needs is remembered."""

from __future__ import annotations

import pytest

from paas.rules.buildlog import TAIL_LINES, BuildLog, harmless

OLD_ENGINE = """\
#1 [internal] load remote build context
#1 sha256:31b35f7c7914478f568629d59949d4f46295fa7beffbb66f64e29ea05366f74e
#1 DONE 0.0s

#2 copy /context /
#2 DONE 0.0s

#3 [internal] load metadata for docker.io/library/debian:bookworm
#3 DONE 0.0s

#4 [1/3] FROM docker.io/library/debian:bookworm
#4 sha256:65101222cd982484007642f18782a24c5a22908f509fb0ae9ca431e0d7bc97e0
#4 CACHED

#5 [2/3] RUN npm ci
#5 sha256:b87f4cb8b418517b2fbf20051ade6fdfac5cd28d402759a88428bd958ac1f70c
#5 0.177 added 3 packages
#5 0.201
#5 2.067   done
#5 DONE 2.1s

#6 [build 3/3] COPY . .
#6 DONE 0.1s

#7 exporting to image
#7 exporting layers done
#7 writing image sha256:9f903888ec70 done
#7 DONE 0.0s
"""

FAILED_ON_BUILDX = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 71B done
#1 DONE 0.0s

#4 [1/2] FROM docker.io/library/debian:bookworm@sha256:aa
#4 sha256:e756 3.15MB / 29.13MB 0.2s
#4 extracting sha256:e756
#4 DONE 3.0s

#5 [2/2] RUN make
#5 0.264 make: *** No targets.  Stop.
#5 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2
------
 > [2/2] RUN make:
0.264 make: *** No targets.  Stop.
------
Dockerfile:4
--------------------
   2 |     FROM debian
   4 | >>> RUN make
--------------------
ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2
"""


def said(log: BuildLog, text: str) -> list[str]:
    lines = [line for raw in text.splitlines() for line in log.feed(raw)]
    return lines + log.flush()


def test_steps_and_their_output_are_said_and_the_engine_s_noise_is_not() -> None:
    assert said(BuildLog(), OLD_ENGINE) == [
        "Step 1/3 : FROM docker.io/library/debian:bookworm (cached)",
        "Step 2/3 : RUN npm ci",
        "added 3 packages",
        "",
        "  done",
        "Step 3/3 (build) : COPY . .",
    ]


def test_a_failed_step_is_remembered_with_its_last_lines() -> None:
    log = BuildLog()
    assert said(log, FAILED_ON_BUILDX) == [
        "Step 1/2 : FROM docker.io/library/debian:bookworm@sha256:aa",
        "Step 2/2 : RUN make",
        "make: *** No targets.  Stop.",
    ]
    assert log.failed_step == "Step 2/2 : RUN make"
    assert log.failure.endswith("exit code: 2")
    assert log.tail == ("make: *** No targets.  Stop.",)
    assert log.error.startswith("ERROR: failed to solve: process")


def test_a_step_s_end_is_seen_behind_output_without_a_newline() -> None:
    log = BuildLog()
    failed = "#5 0.1 half a line#5 ERROR: executor failed running [x]: exit code: 137"
    assert said(log, f"#4 [1/3] RUN y\n#4 0.1 ok#4 DONE 0.4s\n#5 [2/3] RUN x\n{failed}") == [
        "Step 1/3 : RUN y",
        "ok",
        "Step 2/3 : RUN x",
        "half a line",
    ]
    assert log.failure.endswith("exit code: 137")
    assert log.tail == ("half a line",)


def test_only_the_last_lines_of_the_failed_step_are_kept() -> None:
    log = BuildLog()
    lines = ["#5 [2/3] RUN a", *(f"#5 0.1 line {number}" for number in range(40)), "#6 [x 1/1] RUN b", "#6 0.1 other"]
    said(log, "\n".join([*lines, "#5 ERROR: executor failed running [a]: exit code: 1", "#6 0.2 later", "#6 CANCELED"]))
    assert log.tail == tuple(f"line {number}" for number in range(40 - TAIL_LINES, 40))


def test_a_running_step_s_heading_is_said_before_it_prints_anything() -> None:
    log = BuildLog()
    assert log.feed("#5 [2/3] RUN sleep 9") == []
    assert log.flush() == ["Step 2/3 : RUN sleep 9"]
    assert log.feed("#5 DONE 9.0s") == []


def test_output_that_looks_like_progress_is_only_output() -> None:
    log = BuildLog()
    assert said(log, "#5 [2/3] RUN x\n#5 0.1 #6 [3/3] ADD http://a /b\n#5 0.2 #6 ERROR: no") == [
        "Step 2/3 : RUN x",
        "#6 [3/3] ADD http://a /b",
        "#6 ERROR: no",
    ]
    assert (log.remote_add, log.failure) == ("", "")


def test_mounts_are_not_shown() -> None:
    mounts = "--mount=type=cache,id=npm,target=/var/cache/npm --mount=type=secret,id=KEY"
    heading = f"#5 [2/3] RUN {mounts}   npm ci --mount=no"
    assert "Step 2/3 : RUN npm ci --mount=no" in said(BuildLog(), f"{heading}\n#5 DONE 1s")


def test_our_certificates_mount_is_not_shown() -> None:
    lines = said(
        BuildLog(), "#5 [2/3] RUN --mount=type=secret,id=paas-ca,target=/run/paas/ca.pem,mode=0444 npm ci\n#5 DONE 1s"
    )
    assert lines == ["Step 2/3 : RUN npm ci"]


@pytest.mark.parametrize("what", ["ADD http://127.0.0.1/ /x", "ADD git@host:x /x"])
def test_a_url_that_a_base_image_adds_is_noticed(what: str) -> None:
    log = BuildLog()
    log.feed(f"#5 [2/3] {what}")
    assert log.remote_add == what


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", "plain"),
        ("tab\tkept", "tab\tkept"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[1;31mred", "\x1b[1;31mred\x1b[0m"),
        ("a\x1b[2Jb\x1b[Hc", "abc"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]52;c;ZXZpbA==\x1b\\x", "x"),
        ("10%\r50%\r100%", "100%"),
        ("beep\x07\x08\x00", "beep"),
        ("\x9b31mx", "31mx"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\x1b", ""),
    ],
)
def test_control_characters_are_harmless_and_colours_stay(raw: str, expected: str) -> None:
    assert harmless(raw) == expected
