from __future__ import annotations

from pathlib import Path

from paas.adapters.nginx_logs import rotate
from paas.settings import Settings


def test_large_logs_are_put_aside_and_so_many_kept(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, log_file_limit=10, log_files_kept=2)
    for text in ("first first", "second second", "third third"):
        (tmp_path / "access.log").write_text(text)
        (tmp_path / "error.log").write_text("short")
        assert rotate(tmp_path, settings)
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files == {"access.log.1": "third third", "access.log.2": "second second", "error.log": "short"}


def test_small_and_missing_logs_are_left_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, log_file_limit=10)
    (tmp_path / "access.log").write_text("short")
    assert not rotate(tmp_path, settings)
    assert [path.name for path in tmp_path.iterdir()] == ["access.log"]
