"""Root's own terminal: what is piped into a command."""

from __future__ import annotations

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
