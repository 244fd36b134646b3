from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOG = """
import structlog
from paas.adapters.jsonlog import log_as_json

log_as_json()
log = structlog.get_logger("paas")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("bug", reference="ab12")
"""


def test_an_event_is_one_line_of_json_on_stderr_a_traceback_included() -> None:
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", LOG], cwd=root, capture_output=True, text=True, check=True)
    assert said.stdout == ""
    (line,) = said.stderr.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["reference"]) == ("bug", "error", "ab12")
    assert "ZeroDivisionError" in event["exception"] and event["timestamp"].endswith("Z")
