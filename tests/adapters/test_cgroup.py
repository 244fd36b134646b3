"""All builds together, or each of their steps, get their limit on both kinds of cgroups."""

from __future__ import annotations

from pathlib import Path

import pytest

from paas.adapters.cgroup import PROCESSES, StepLimits, limit_builds


def test_version_1(tmp_path: Path) -> None:
    group = tmp_path / "memory" / "docker" / "buildkit"
    group.mkdir(parents=True)
    (group / "memory.memsw.limit_in_bytes").touch()
    (tmp_path / "pids").mkdir()
    assert limit_builds(1234, root=tmp_path)
    assert (group / "memory.limit_in_bytes").read_text() == "1234"
    assert (group / "memory.memsw.limit_in_bytes").read_text() == "1234"
    assert (tmp_path / "pids" / "docker" / "buildkit" / "pids.max").read_text() == str(PROCESSES)


def test_version_2_with_its_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory")
    assert limit_builds(1234, root=tmp_path)
    assert (tmp_path / "docker" / "buildkit" / "memory.max").read_text() == "1234"
    assert (tmp_path / "docker" / "buildkit" / "pids.max").read_text() == str(PROCESSES)
    assert (tmp_path / "docker" / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_a_system_that_does_not_let_us_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not limit_builds(1234, root=tmp_path / "file")


@pytest.mark.parametrize("above", ["", "system.slice", "system.slice/docker.service"])
def test_steps_under_systemd_s_driver_are_found_wherever_dockerd_runs(above: str, tmp_path: Path) -> None:
    """Seen on Engine 20.10: runc took `system.slice:docker:<id>` for a path below dockerd's own group."""
    step = tmp_path / "memory" / above / "system.slice:docker:sd3mzl7p4jea6qn3n5eb8yvpm"
    step.mkdir(parents=True)
    (tmp_path / "pids").mkdir()
    StepLimits(1234, root=tmp_path).apply()
    assert (step / "memory.limit_in_bytes").read_text() == "1234"
    assert (tmp_path / "pids" / step.relative_to(tmp_path / "memory") / "pids.max").read_text() == str(PROCESSES)


def test_steps_that_come_later_are_limited_on_version_2_and_no_other_group_is(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory")
    limits = StepLimits(1234, root=tmp_path)
    limits.apply()
    step, other = tmp_path / "system.slice" / "system.slice:docker:abc", tmp_path / "system.slice" / "docker-1.scope"
    step.mkdir(parents=True)
    other.mkdir()
    limits.apply()
    assert not list(step.iterdir())  # it looks seldom
    limits._due = 0.0
    limits.apply()
    assert (step / "memory.max").read_text() == "1234"
    assert (step / "pids.max").read_text() == str(PROCESSES)
    assert not list(other.iterdir())
