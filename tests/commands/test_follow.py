"""Watching a job: its last lines with their numbers and the place to go on from, and where it is found."""

from __future__ import annotations

import pytest

from paas.commands.follow import app_of_job, log_so_far
from tests.commands.world import World


@pytest.mark.parametrize("limit", [1, 7, 100, 1000, 10**6])
def test_the_last_lines_come_with_their_numbers_and_the_place_behind_them(small_world: World, limit: int) -> None:
    lines = [f"line {number} é" for number in range(1, 301)]
    small_world.logs.append("jobs/1.log", "".join(f"{line}\n" for line in lines) + "half a li")
    part = log_so_far(small_world.on, 1, limit)
    assert part.lines == lines[part.first - 1 :]
    assert part.end == len("".join(f"{line}\n" for line in lines).encode())
    assert sum(len(line.encode()) + 1 for line in part.lines) <= max(limit, 12)


@pytest.mark.parametrize("text", ["", "no newline yet"])
def test_a_log_without_a_whole_line_has_none(small_world: World, text: str) -> None:
    small_world.logs.append("jobs/1.log", text)
    part = log_so_far(small_world.on, 1, 100)
    assert (part.lines, part.first, part.end) == ([], 1, 0)


def test_a_job_is_found_under_its_app_s_name_of_now(small_world: World) -> None:
    small_world.call(small_world.admin, "apps:create", name="blog")
    started = small_world.call(small_world.admin, "domains:add", app="blog", names=["www.example.org"])
    assert app_of_job(small_world.on, started.job_id) == "blog"
    everyones = small_world.call(small_world.admin, "domains:set-global", names=["example.net"])
    assert app_of_job(small_world.on, everyones.job_id) is None
    assert app_of_job(small_world.on, 999) is None
