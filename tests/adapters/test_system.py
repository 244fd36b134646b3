from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC
from pathlib import Path

from paas.adapters.system import FileFaults, SystemClock

REACH = "import sys; from pathlib import Path; from paas.adapters.system import FileFaults; \
[FileFaults(Path(sys.argv[1])).reach(point) for point in sys.argv[2:]]"


def reach(file: Path, *points: str) -> int:
    return subprocess.run([sys.executable, "-c", REACH, str(file), *points], check=False).returncode


def test_now_is_aware_and_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_without_a_file_nothing_happens(tmp_path: Path) -> None:
    FileFaults(None).reach("anywhere")
    FileFaults(tmp_path / "faults").reach("anywhere")


def test_the_named_point_kills_the_process_once(tmp_path: Path) -> None:
    file = tmp_path / "faults"
    file.write_text("after-build\n")
    assert reach(file, "before-build") == 0
    assert reach(file, "before-build", "after-build") == -signal.SIGKILL
    assert not file.exists()
    assert reach(file, "after-build") == 0
