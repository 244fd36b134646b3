"""How do nginx's own logs stay small? What is large is renamed; nginx then has to be told to open new ones."""

from __future__ import annotations

from pathlib import Path

from paas.settings import Settings

NAMES = ("access.log", "error.log")


def rotate(folder: Path, settings: Settings) -> bool:
    """Put aside what has reached settings.log_file_limit, `access.log.1` being the newest; has anything been?"""
    large = [folder / name for name in NAMES if _size(folder / name) >= settings.log_file_limit]
    for path in large:
        _shift(path, settings.log_files_kept)
    return bool(large)


def _shift(path: Path, kept: int) -> None:
    for number in range(kept - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
