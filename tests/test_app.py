"""`paas` at root's own terminal, before anything is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *words],
        env={"PATH": os.environ["PATH"], "PAAS_HOME": str(folder / "home"), "PAAS_CONFIG": str(folder / "none.toml")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_reader_that_goes_away_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    process = start(tmp_path, "status")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()  # as `| head` does
    assert process.stderr.read() == ""
    assert process.wait() == 1


def test_a_refusal_is_two_lines_with_a_code_and_what_to_type(tmp_path: Path) -> None:
    process = start(tmp_path, "status", "--nope")
    said, error = process.communicate()
    assert (said, process.returncode != 0) == ("", True)
    assert error == " !     '--nope' is not known here  [usage]\n !     paas status [--format=]\n"
