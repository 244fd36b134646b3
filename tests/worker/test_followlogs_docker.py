"""Numbered lines of real containers: none missing, none twice, whatever happens to the worker and to Docker's files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from paas.adapters.docker import DockerRuntime
from paas.adapters.logfiles import LogFiles
from paas.adapters.system import SystemClock
from paas.ports import Container, ContainerSpec
from paas.rules import names
from paas.rules.logline import LogRecord, parse_record
from paas.worker.followlogs import ContainerLogs
from tests.engine import HOST, engine_of_tests, new_app_id
from tests.images import python_image
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]

# A worker that does nothing but follow, so that it can be killed.
FOLLOW = """
import sys, time
from pathlib import Path
from paas.adapters.docker import DockerRuntime
from paas.adapters.logfiles import LogFiles
from paas.adapters.system import SystemClock
from paas.worker.followlogs import ContainerLogs

runtime = DockerRuntime(sys.argv[1], sys.argv[2])
keeper = ContainerLogs(runtime, LogFiles(Path(sys.argv[3])), SystemClock(), lambda container: [])
print("ready", flush=True)
while True:
    keeper.begin_all()
    time.sleep(0.05)
"""

# Prints `count` numbered lines on each stream, in bursts.
PRINT = "import sys,time\nfor n in range({count}):\n print(n, {padding!r})\n print(n, file=sys.stderr)\n" + (
    " if n % 500 == 0: sys.stdout.flush(); time.sleep({pause})\n"
)


@dataclass
class Room:
    runtime: DockerRuntime
    folder: Path
    app_id: str = field(default_factory=new_app_id)

    @property
    def logs(self) -> LogFiles:
        return LogFiles(self.folder, files_kept=20)

    def keeper(self) -> ContainerLogs:
        return ContainerLogs(self.runtime, self.logs, SystemClock(), lambda container: [])

    def start(self, rollout: int, count: int, pause: float = 0.0, padding: str = "") -> Container:
        code = PRINT.format(count=count, pause=pause, padding=padding)
        name = names.container_name(self.app_id, "web", 1, rollout)
        command = ("python3", "-c", code)
        return self.runtime.start(
            ContainerSpec(name, python_image(), self.app_id, "blog", "web", 1, rollout, rollout, command=command)
        )

    def follow_in_process(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", FOLLOW, HOST, self.runtime._engine.installation, str(self.folder)]
        worker = subprocess.Popen(
            words, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}, stdout=subprocess.PIPE
        )
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
        return worker

    @property
    def size(self) -> int:
        return self.logs.size(f"{self.app_id}/web.1.log")

    def kill_when_it_has_written(self, worker: subprocess.Popen[bytes], before: int) -> None:
        wait_until(lambda: self.size != before)
        worker.kill()
        worker.communicate()

    def records(self) -> list[LogRecord]:
        found = [parse_record(line) for line in self.logs.tail(f"{self.app_id}/web.1.log", 10**9)]
        return [record for record in found if record]

    def numbers(self, rollout: int, stream: str) -> list[int]:
        return [
            int(record.text.split()[0])
            for record in self.records()
            if (record.rollout, record.stream) == (rollout, stream)
        ]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with engine_of_tests("followlogs") as runtime:
        yield Room(runtime, tmp_path)


def test_redeploys_and_killed_workers_lose_and_repeat_no_line(room: Room) -> None:
    count = 4000
    for rollout in (1, 2):  # on each stream: 16,000 lines in all
        before, worker = room.size, room.follow_in_process()
        container = room.start(rollout, count, pause=0.2)
        room.kill_when_it_has_written(worker, before)
        assert len(room.numbers(rollout, "stdout")) < count  # it was killed in the middle
        before = room.size
        room.kill_when_it_has_written(room.follow_in_process(), before)
        assert room.runtime.wait(container.name, PATIENCE) == 0
        room.keeper().finish(container.name)
        room.runtime.remove(container.name)
    for rollout in (1, 2):
        assert room.numbers(rollout, "stdout") == list(range(count))
        assert room.numbers(rollout, "stderr") == list(range(count))


def test_many_lines_are_followed_in_reasonable_time(room: Room) -> None:
    count = 10_000  # on each stream
    keeper = room.keeper()
    began = time.monotonic()
    container = room.start(1, count)
    keeper.begin(container)
    assert room.runtime.wait(container.name, PATIENCE) == 0
    keeper.finish(container.name)
    took = time.monotonic() - began
    assert room.numbers(1, "stdout") == room.numbers(1, "stderr") == list(range(count))
    assert took < PATIENCE  # 20,000 lines with the container's start: about a second on an idle machine


def test_dockers_own_rotation_loses_and_repeats_no_line(room: Room) -> None:
    count = 12_000
    keeper = room.keeper()
    container = room.start(1, count, pause=0.1, padding="x" * 2400)  # some 30 MB: the json-file is rotated at 20 MB
    keeper.begin(container)
    assert room.runtime.wait(container.name, PATIENCE) == 0
    keeper.finish(container.name)
    assert room.numbers(1, "stdout") == list(range(count))
    assert room.numbers(1, "stderr") == list(range(count))
