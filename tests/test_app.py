"""`paas` at root's own terminal, before anything is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    places = {"PAAS_HOME": str(folder / "home"), "PAAS_CONFIG": str(folder / "none.toml")}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *words],
        env={"PATH": os.environ["PATH"], **places, **environment},
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


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"PAAS_DATABASE_URL": "mysql://ana:hunter2@db/paas"}, "Setting database_url: Value error, must begin with "),
        ({"PAAS_TLS_CERT": "/etc/cert.pem"}, "Settings: Value error, tls_cert and tls_key are given together"),
        ({"PAAS_STREAM_LIMIT": "64"}, "Settings: Value error, stream_limit must be below web_threads"),
        ({"PAAS_HTTP_PORT": "0"}, "Setting http_port: "),
        ({"PAAS_HTPP_PORT": "80"}, "Unknown setting PAAS_HTPP_PORT"),
    ],
)
def test_a_setting_that_cannot_be_is_one_clear_line(tmp_path: Path, environment: dict[str, str], line: str) -> None:
    process = start(tmp_path, "status", **environment)
    said, error = process.communicate()
    assert (said, process.returncode) == ("", 1)
    assert error.startswith(f" !     {line}") and "[settings]\n" in error and error.count("\n") == 2
    assert "hunter2" not in error


@pytest.mark.parametrize("content", [b'domain = "exam', b"\xff", b"http_port = 8080\nhtpp_port = 1\n"])
def test_a_broken_file_of_settings_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "paas.toml").write_bytes(content)
    process = start(tmp_path, "status", PAAS_CONFIG=str(tmp_path / "paas.toml"))
    said, error = process.communicate()
    assert (said, process.returncode) == ("", 1)
    assert "[settings]\n" in error and "docs/settings.md" in error and error.count("\n") == 2


def test_a_database_that_is_down_is_one_clear_line(tmp_path: Path) -> None:
    url = "postgresql+psycopg://ana:hunter2@127.0.0.1:1/paas"
    process = start(tmp_path, "apps:list", PAAS_DATABASE_URL=url, PAAS_INSTALLATION="t-app")
    said, error = process.communicate()
    assert (said, process.returncode) == ("", 1)
    assert error.startswith(" !     The database does not answer: ") and "[database-down]\n" in error
    assert error.count("\n") == 2 and "hunter2" not in error
