"""What a killed run of the tests left is found; what is somebody else's is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine import PLACE, _leftover_processes
from tests.waiting import wait_until


@pytest.fixture
def left() -> Iterator[Path]:
    folder = PLACE / "t" / f"left-{os.getpid()}"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


def works_in(folder: Path, pid: int) -> bool:
    return Path(f"/proc/{pid}/cwd").readlink() == folder


def test_processes_in_the_tests_folder_are_left_over_unless_a_container_has_them(left: Path) -> None:
    plain = subprocess.Popen(["sleep", "60"], cwd=left)
    contained = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "sleep", "60"], cwd=left)
    children = Path(f"/proc/{contained.pid}/task/{contained.pid}/children")
    try:
        child = int(wait_until(lambda: children.read_text().split())[0])
        assert works_in(left, plain.pid) and works_in(left, child)
        found = set(_leftover_processes())
        assert plain.pid in found and child not in found
    finally:
        for process in (plain, contained):
            process.kill()
            process.wait()
