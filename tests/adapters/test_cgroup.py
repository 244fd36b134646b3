"""The parent group of all builds gets its limit on both kinds of cgroups."""

from __future__ import annotations

from pathlib import Path

import pytest

from paas.adapters.cgroup import limit_builds


@pytest.mark.parametrize(("systemd", "parent"), [(False, "docker"), (True, "system.slice:docker")])
def test_version_1(systemd: bool, parent: str, tmp_path: Path) -> None:
    group = tmp_path / "memory" / parent / "buildkit"
    group.mkdir(parents=True)
    (group / "memory.memsw.limit_in_bytes").touch()
    assert limit_builds(1234, systemd=systemd, root=tmp_path)
    assert (group / "memory.limit_in_bytes").read_text() == "1234"
    assert (group / "memory.memsw.limit_in_bytes").read_text() == "1234"


def test_version_2_with_its_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory")
    assert limit_builds(1234, systemd=False, root=tmp_path)
    assert (tmp_path / "docker" / "buildkit" / "memory.max").read_text() == "1234"
    assert (tmp_path / "docker" / "cgroup.subtree_control").read_text() == "+memory"


def test_a_system_that_does_not_let_us_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not limit_builds(1234, systemd=False, root=tmp_path / "file")
