"""A making that fails leaves nothing, and what a killed one left is ended by the next."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from paas.adapters.docker_engine import Engine
from paas.adapters.mmdebstrap import MAKER, Mmdebstrap, _fastest_folder
from paas.errors import BuildError, UnavailableError
from paas.rules.bases import LABEL_BASE, Recipe
from tests.builders import Workshop, workshop
from tests.waiting import PATIENCE

BROKEN = Recipe("broken", "debian", ("bash",), suite="no-such-suite")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path) as made:
        yield made


def folders(room: Workshop) -> list[Path]:
    place = sha256(str(room.settings.home).encode()).hexdigest()[:8]
    return sorted(_fastest_folder(room.settings.folder("docker")).glob(f"paas-base-broken-{place}-*"))


def make(room: Workshop) -> BuildError:
    with pytest.raises(BuildError, match="The base image broken could not be made") as failed:
        Mmdebstrap(room.settings, room.engine).make(BROKEN, {"paas-0.crt": "x"}, None, room.lines.append)
    return failed.value


def test_a_making_that_fails_says_why_and_leaves_nothing(room: Workshop) -> None:
    failed = make(room)
    assert failed.code == "base-image"
    assert "no-such-suite" in " ".join(failed.tail)
    assert room.engine.client.images(filters={"label": f"{LABEL_BASE}=broken"}) == []
    assert folders(room) == []


@pytest.mark.timeout(20)
def test_a_making_ends_when_the_engine_is_lost(room: Workshop, tmp_path: Path) -> None:
    nobody = Engine(f"unix://{tmp_path}/nobody.sock", "t-nobody")
    with pytest.raises(UnavailableError, match="Docker does not answer"):
        Mmdebstrap(room.settings, nobody)._run(BROKEN, ["yes"], tmp_path, room.lines.append)


def test_a_killed_maker_s_folder_and_process_are_ended_by_the_next(room: Workshop) -> None:
    place = sha256(str(room.settings.home).encode()).hexdigest()[:8]
    left = _fastest_folder(room.settings.folder("docker")) / f"paas-base-broken-{place}-killed"
    (left / "tree").mkdir(parents=True)
    process = subprocess.Popen(["sleep", "300"], start_new_session=True, cwd=left)
    named = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)", str(left / "sources.list")], start_new_session=True
    )
    try:
        while left.name not in Path(f"/proc/{named.pid}/cmdline").read_text():  # empty for a moment after exec
            time.sleep(0.01)
        (left / MAKER).write_text(str(named.pid))
        make(room)
        assert named.wait(PATIENCE) < 0
        assert not left.exists()
        assert process.poll() is None  # whoever does not carry the folder in its command line is not the maker
    finally:
        for started in (process, named):
            started.kill()
            started.wait()


def test_a_number_that_was_given_to_another_process_is_left_alone(room: Workshop) -> None:
    place = sha256(str(room.settings.home).encode()).hexdigest()[:8]
    left = _fastest_folder(room.settings.folder("docker")) / f"paas-base-broken-{place}-killed"
    left.mkdir(parents=True)
    (left / MAKER).write_text(str(os.getpid()))
    make(room)
    assert not left.exists()
