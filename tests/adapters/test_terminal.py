"""Root's own terminal: what is piped into a command."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
from paas.adapters.terminal import LocalTerminal
from paas.errors import BadInputError
try:
    print(LocalTerminal().read_all(10))
except BadInputError as error:
    print(error.code)
"""


@pytest.mark.parametrize(
    ("given", "said"), [("grün".encode(), "grün"), (b"\xff\xfe", "encoding"), (b"x" * 11, "stdin-size")]
)
def test_stdin_is_text_in_utf_8_and_not_too_long(given: bytes, said: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", READ], cwd=root, input=given, capture_output=True, check=True)
    assert done.stdout.decode().strip() == said


WRITE = """
from paas.adapters.terminal import LocalTerminal
LocalTerminal().write("=====> blog\\n")
LocalTerminal().write_error(" !     no\\n")
"""


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TERM": "xterm"}, b"\x1b[1m=====> blog\x1b[0m\r\n"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, b"=====> blog\r\n"),
        ({"TERM": "dumb"}, b"=====> blog\r\n"),
    ],
)
def test_a_terminal_gets_colours_when_it_wants_them_and_a_pipe_gets_none(
    variables: dict[str, str], said: bytes
) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", WRITE], cwd=Path(__file__).parents[2], env={"PATH": os.environ["PATH"], **variables},
        stdout=theirs, stderr=subprocess.PIPE, check=True,
    )  # fmt: skip
    os.close(theirs)
    assert os.read(ours, 1000) == said
    os.close(ours)
    assert done.stderr == b" !     no\n"
