"""New copies that are not healthy keep the old release, and the reason is said."""

from __future__ import annotations

import time

import pytest

from paas.ports import HttpAnswer
from paas.rules.jobs import Scale
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage, assert_nothing_changed, web_checks


def test_a_web_process_that_ends_fails_at_once_with_its_last_lines(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1, exits_after=0.2, errors=("no module named x",)))
    before = stage.clock.monotonic()
    job = stage.push("b")
    assert stage.clock.monotonic() - before < 2, "it does not wait for the time-out"
    assert "web.1 ended with exit code 1" in stage.log(job.id)
    assert " !     no module named x" in stage.log(job.id)
    assert_nothing_changed(stage)


def test_a_process_killed_for_memory_is_named_so(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=137, exits_after=0.2, oom_killed=True))
    assert "needed more memory than 512 MB" in stage.log(stage.push("b").id)
    assert_nothing_changed(stage)


def test_a_web_process_that_never_listens_is_told_what_it_listens_on(stage: Stage) -> None:
    stage.push("a")
    table = "   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 1 1 0 100 0 0 10 0"
    stage.runtime.behave("serve", Behaviour(listens=False))
    stage.runtime.behave("/proc/net/tcp", Behaviour(output=(table,)))
    job = stage.push("b")
    assert job.result_code == "unhealthy"
    assert "web.1 is not healthy after 60 s: it accepts no connection on port 5000" in stage.log(job.id)
    assert "it listens on 127.0.0.1:5000, which only itself can reach" in stage.log(job.id)
    assert_nothing_changed(stage)


def test_a_path_check_that_fails_shows_status_and_body(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(answer=HttpAnswer(500, "database is locked")))
    job = stage.push("b", web_checks(path="/up"))
    assert "GET /up answered 500: database is locked" in stage.log(job.id)
    assert stage.prober.asked[-1][2:] == ("/up", "blog.localhost")
    assert_nothing_changed(stage)


@pytest.mark.parametrize("status", [204, 301])
def test_a_path_check_passes_with_2xx_and_3xx(stage: Stage, status: int) -> None:
    stage.runtime.behave("serve", Behaviour(answer=HttpAnswer(status, "")))
    assert stage.push("a", web_checks(path="/up")).state == "succeeded"


def test_a_command_check_runs_inside_the_copy(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("check-me", Behaviour(exit_code=2, output=("not yet",)))
    job = stage.push("b", web_checks(command=["check-me"]))
    assert "check-me ended with exit code 2: not yet" in stage.log(job.id)
    assert_nothing_changed(stage)


def test_a_command_check_that_does_not_end_is_ended(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("check-me", Behaviour(echoes=True, output=("x" * 5000, "waiting")))
    job = stage.push("b", web_checks(command=["check-me"], timeout=1, attempts=1, wait=0))
    assert "check-me did not end within 1 s: " in stage.log(job.id)
    assert (job.result_message or "").endswith("xxx waiting")
    assert_nothing_changed(stage)


def test_what_is_quoted_of_an_app_that_fails_holds_no_secret(stage: Stage) -> None:
    stage.run(stage.queue_config(TOKEN="swordfish-123"))
    stage.push("a")
    body = "no database at postgres://ana:swordfish-123@db"
    stage.runtime.behave("serve", Behaviour(answer=HttpAnswer(500, body), errors=("tried swordfish-123",)))
    job = stage.push("b", web_checks(path="/up"))
    assert "postgres://ana:********@db" in (job.result_message or "")
    assert " !     tried ********" in stage.log(job.id)
    assert "swordfish" not in f"{stage.log(job.id)} {job.result_message} {stage.releases()[-1].failure}"
    assert_nothing_changed(stage)


def test_a_worker_that_dies_within_a_few_seconds_fails_the_deploy(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"worker": 1})))
    stage.runtime.behave("work", Behaviour(exit_code=0, exits_after=1))
    job = stage.push("b")
    assert "worker.1 ended by itself (exit code 0)" in stage.log(job.id)
    assert stage.running() == ["web.1 v1", "worker.1 v1"]


def test_one_copy_that_fails_ends_the_wait_for_the_others(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"web": 2})))
    stage.runtime.behave("serve", Behaviour(listens=False))
    stage.runtime.behave("web-2", Behaviour(listens=False, exit_code=3, exits_after=1))
    stage.clock.when_slept = lambda seconds: time.sleep(0.02)  # so that both are looked at in turn
    before = stage.clock.monotonic()
    job = stage.push("b")
    assert "web.2 ended with exit code 3" in stage.log(job.id)
    assert stage.clock.monotonic() - before < 30, "the first copy would have been waited for a minute"
    assert stage.serves() == ["web.1 v1", "web.2 v1"]
