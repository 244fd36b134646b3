"""logs as people type it."""

from __future__ import annotations

import pytest

from paas.rules.logline import LogRecord, format_record
from tests.commands.world import World

TIME = "2026-01-02T03:04:05.000000001Z"


@pytest.mark.parametrize("line", ["logs blog -q", "logs -q blog", "logs blog --quiet", "--quiet logs blog"])
def test_quiet_logs_are_what_was_printed_and_nothing_else(small_world: World, line: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    name = f"{small_world.app('blog').id}/web.1.log"
    small_world.logs.append(name, format_record(LogRecord(TIME, "web.1", 1, "stdout", "hello \x07there")))
    assert (
        small_world.type(small_world.admin, "logs blog")[1].out
        == f"{TIME} app[web.1]: hello \N{REPLACEMENT CHARACTER}there\n"
    )
    assert small_world.type(small_world.admin, line)[1].out == "hello \N{REPLACEMENT CHARACTER}there\n"
