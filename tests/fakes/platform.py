"""A worker's platform of fakes around a real database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from paas.context import WorkerPlatform
from paas.model import Database
from paas.settings import Settings
from tests.fakes.builder import FakeBuilder
from tests.fakes.clock import FakeClock
from tests.fakes.faults import FakeFaults
from tests.fakes.firewall import FakeFirewall
from tests.fakes.keeper import FakeLogKeeper
from tests.fakes.line import FakeLine
from tests.fakes.logs import FakeLogs
from tests.fakes.prober import FakeProber
from tests.fakes.proxy import FakeProxy
from tests.fakes.repositories import FakeRepositories
from tests.fakes.runtime import FakeRuntime
from tests.fakes.sources import FakeSources
from tests.fakes.templates import FakeTemplates
from tests.fakes.vault import FakeVault


def worker_platform(database: Database, home: Path, **parts: Any) -> WorkerPlatform:
    """`parts` replace fakes: `clock=SystemClock()`."""
    clock = parts.get("clock") or FakeClock()
    runtime = parts.get("runtime") or FakeRuntime(clock)
    platform = WorkerPlatform(
        settings=Settings(home=home),
        installation="test",
        database=database,
        clock=clock,
        vault=FakeVault(),
        logs=FakeLogs(),
        worker=FakeLine(),
        faults=FakeFaults(),
        repositories=FakeRepositories(),
        sources=FakeSources(),
        runtime=runtime,
        builder=FakeBuilder(runtime),
        templates=FakeTemplates(),
        proxy=FakeProxy(),
        prober=FakeProber(runtime),
        firewall=FakeFirewall(),
        log_keeper=FakeLogKeeper(),
    )
    return replace(platform, **parts)
