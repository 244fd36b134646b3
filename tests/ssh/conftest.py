from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.ssh.hostkeys import make_host_keys
from tests.ssh.door import Door, Person, open_door


@pytest.fixture(scope="session")
def host_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: an RSA key takes its time."""
    folder = tmp_path_factory.mktemp("host-keys")
    make_host_keys(folder)
    return folder


@pytest.fixture
def door(tmp_path: Path, host_keys: Path) -> Iterator[Door]:
    with open_door(tmp_path, host_keys) as opened:
        yield opened


@pytest.fixture
def ana(door: Door) -> Person:
    return door.person("ana")


@pytest.fixture
def admin(door: Door) -> Person:
    return door.person("root", role="admin")
