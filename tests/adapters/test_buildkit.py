"""Sources become images through the real BuildKit; what goes wrong is said in words that help."""

from __future__ import annotations

import shutil
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from paas.adapters.buildkit import BuildKit
from paas.errors import BadInputError, BuildError, CancelledJobError, UnavailableError
from paas.ports import BuiltImage
from paas.rules import names
from tests.builders import Workshop, workshop
from tests.contracts.builder import BuilderContract, Inspect, Order
from tests.engine import new_app_id
from tests.sourcetar import add_file, add_member


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path) as made:
        yield made


class TestBuildKit(BuilderContract):
    @pytest.fixture
    def builder(self, room: Workshop) -> BuildKit:
        return room.builder

    @pytest.fixture
    def order(self, room: Workshop) -> Order:
        return lambda files: room.order(room.dockerfile("COPY . /src") | dict(files))

    @pytest.fixture
    def labels_of(self, room: Workshop) -> Inspect:
        return lambda image: room.inspect(BuiltImage(image, ""))["Config"]["Labels"]


def test_an_image_has_its_tag_its_labels_and_what_the_dockerfile_says(room: Workshop) -> None:
    files = room.dockerfile(
        "WORKDIR /app", "ARG SOURCE_VERSION", "RUN echo version $SOURCE_VERSION", "COPY . .", "EXPOSE 8080"
    )
    image = room.build({**files, "hello.txt": "hi"}, arguments={"SOURCE_VERSION": "abc123", "PAAS_APP": "blog"})
    facts = room.inspect(image)
    assert image.id == facts["Id"]
    assert facts["RepoTags"] == [image.tag]
    assert facts["Config"]["Labels"][names.LABEL_INSTALLATION] == room.engine.installation
    assert "version abc123" in room.lines
    assert "Step 3/4 : RUN echo version abc123" in room.lines
    assert room.pids


def test_a_code_only_change_rebuilds_in_a_moment(room: Workshop) -> None:
    files = room.dockerfile("WORKDIR /app", "COPY needs.txt .", "RUN sleep 1", "COPY . .") | {"needs.txt": "x"}
    app_id = new_app_id()
    room.build(files | {"app.py": "1"}, app_id)
    times = []
    for number in range(5):
        started = time.monotonic()
        room.build(files | {"app.py": f"{number}{time.time()}"}, app_id)
        times.append(time.monotonic() - started)
    print(f"code-only rebuild: {sorted(times)[2]:.3f} s (median of {len(times)})")
    assert any(line.endswith("RUN sleep 1 (cached)") for line in room.lines)


def test_the_context_is_the_folder_without_what_is_ignored_and_with_what_is_added(room: Workshop) -> None:
    files = {
        "outside.txt": "no",
        "web/.dockerignore": "*.log\n!keep.log\nDockerfile\n",
        "web/a.txt": "a",
        "web/b.log": "no",
        "web/keep.log": "yes",
        "web/.paas": "a file in the way",
    }
    dockerfile = f"FROM {room.base}\nCOPY . /src\nRUN cd /src && find . -type f | sort && cat .paas/note\n"
    added = {".paas/Dockerfile": dockerfile.encode(), ".paas/note": b"added\n"}
    room.build(files, context="web", dockerfile=".paas/Dockerfile", files=added)
    listed = room.lines[room.lines.index("Step 3/3 : RUN cd /src && find . -type f | sort && cat .paas/note") + 1 :]
    assert listed == ["./.dockerignore", "./.paas/Dockerfile", "./.paas/note", "./a.txt", "./keep.log", "added"]


def test_a_dockerignore_beside_the_dockerfile_wins(room: Workshop) -> None:
    files = {
        "prod.Dockerfile": f"FROM {room.base}\nCOPY . /src\nRUN ls /src\n",
        "prod.Dockerfile.dockerignore": "a.txt",
        ".dockerignore": "b.txt",
        "a.txt": "",
        "b.txt": "",
    }
    room.build(files, dockerfile="prod.Dockerfile")
    assert "b.txt" in room.lines
    assert "a.txt" not in room.lines


def test_modes_and_links_of_the_source_reach_the_image(room: Workshop) -> None:
    order = room.order(room.dockerfile("COPY . /src", "RUN /src/run.sh && readlink /src/link && cat /src/hard"))
    with tarfile.open(order.source, "a") as tar:
        add_file(tar, "run.sh", "#!/bin/sh\necho ran\n", 0o755)
        add_member(tar, "link", tarfile.SYMTYPE, "../../etc/passwd")
        add_file(tar, "plain", "same\n")
        add_member(tar, "hard", tarfile.LNKTYPE, "plain")
    room.run(order)
    assert room.lines[-3:] == ["ran", "../../etc/passwd", "same"]


def test_a_target_stage_is_built_and_an_unknown_one_is_named(room: Workshop) -> None:
    files = room.dockerfile() | {"Dockerfile": f"FROM {room.base} AS dev\nFROM dev AS prod\nRUN echo prod\n"}
    room.build(files, target="dev")
    assert "prod" not in room.lines
    with pytest.raises(BuildError, match="no stage nope") as refused:
        room.build(files, target="nope")
    assert refused.value.code == "build-target"


def test_a_failed_command_is_shown_with_its_last_lines(room: Workshop) -> None:
    with pytest.raises(BuildError) as failed:
        room.build(room.dockerfile("RUN seq 30; nosuchcommand"))
    assert failed.value.code == "no-such-command"
    assert failed.value.message == "Step 2/2 : RUN seq 30; nosuchcommand failed with exit code 127"
    assert failed.value.tail[-1].endswith("nosuchcommand: not found")
    assert len(failed.value.tail) == 15


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("COPY nothere /x", "missing-file"),
        ("EXPOSE abc", "build-failed"),
        ("FOO", "dockerfile"),
        ("COPY --from=absent.invalid/x / /", "base-image"),
    ],
)
def test_what_cannot_be_built_has_a_code(room: Workshop, line: str, code: str) -> None:
    with pytest.raises(BuildError) as failed:
        room.build(room.dockerfile(line))
    assert failed.value.code == code


def test_a_missing_or_linked_dockerfile_is_named(room: Workshop) -> None:
    with pytest.raises(BuildError) as missing:
        room.build({"app.py": ""})
    assert missing.value.code == "dockerfile-missing"
    order = room.order({"real": f"FROM {room.base}\n"})
    with tarfile.open(order.source, "a") as tar:
        add_member(tar, "Dockerfile", tarfile.SYMTYPE, "real")
    with pytest.raises(BadInputError) as linked:
        room.run(order)
    assert linked.value.code == "source-link"


def test_a_cancelled_build_ends_at_once_and_so_do_its_processes(room: Workshop) -> None:
    started = time.monotonic()
    order = room.order(room.dockerfile("RUN sleep 4711"))
    with pytest.raises(CancelledJobError):
        room.builder.build(
            order, room.lines.append, lambda: "Step 2/2 : RUN sleep 4711" in room.lines, room.pids.append
        )
    assert time.monotonic() - started < 60
    assert not psutil.pid_exists(room.pids[0])
    assert _dies("sleep 4711")
    assert room.engine.client.images(name=order.tag) == []


def test_a_build_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with workshop(tmp_path, build_timeout=1.5) as room:
        with pytest.raises(BuildError) as failed:
            room.build(room.dockerfile("RUN sleep 4712"))
        assert failed.value.code == "build-timeout"
        assert _dies("sleep 4712")


def test_a_log_is_cut_at_its_limit_and_the_build_goes_on(tmp_path: Path) -> None:
    with workshop(tmp_path, build_log_limit=2_000) as room:
        room.build(room.dockerfile("RUN seq 10000; true"))
        assert len(room.log) < 2_200
        assert "longer than 2,000 bytes" in room.lines[-1]


def test_a_build_that_takes_4_gb_is_named_as_out_of_memory(room: Workshop) -> None:
    with pytest.raises(BuildError) as failed:
        room.build(room.dockerfile("RUN python3 -c 'x = bytearray(4_000_000_000)'"))
    assert failed.value.code == "out-of-memory"
    assert "build_memory" in failed.value.hint


def test_a_full_disk_is_seen_before_the_build(tmp_path: Path) -> None:
    with workshop(tmp_path, disk_reserve=10**18) as room:
        with pytest.raises(BuildError) as refused:
            room.build(room.dockerfile())
        assert refused.value.code == "disk-full"
        assert room.pids == []


def test_a_build_that_fills_the_disk_is_stopped(tmp_path: Path) -> None:
    free = shutil.disk_usage("/var/lib/docker" if Path("/var/lib/docker").exists() else "/").free
    with workshop(tmp_path, disk_reserve=free - 2 * 10**9) as room:
        with pytest.raises(BuildError) as stopped:
            room.build(room.dockerfile("RUN fallocate -l 8GB /large && sleep 60"))
        assert stopped.value.code == "disk-full"
        assert room.pids != []


def test_an_engine_that_is_down_is_said_to_be_down(tmp_path: Path) -> None:
    with workshop(tmp_path) as room:
        source = room.order(room.dockerfile())
    with workshop(tmp_path, docker_host="unix:///nonexistent.sock") as room:
        room.engine._host = "unix:///nonexistent.sock"
        with pytest.raises(UnavailableError) as refused:
            room.run(source)
        assert refused.value.code == "docker-down"


def test_pruning_down_to_more_than_there_is_frees_nothing(room: Workshop) -> None:
    assert room.builder.prune(10**15) == 0


def test_facts_name_the_client_and_the_engine(room: Workshop) -> None:
    facts = room.builder.facts()
    assert facts["frontend"] in ("buildx", "buildkit")
    assert Path(facts["cli"]).is_absolute()
    assert facts["engine"][0].isdigit()


def _dies(command: str) -> bool:
    """Whether no process with that command line is left, after a moment."""
    for _ in range(300):
        if not any(" ".join(process.info["cmdline"] or ()) == command for process in psutil.process_iter(["cmdline"])):
            return True
        time.sleep(0.1)
    return False
