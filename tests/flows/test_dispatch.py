"""Every kind of job has a flow, and whoever waits reads what happened, why, and what serves."""

from __future__ import annotations

from paas.errors import BuildError
from paas.flows.dispatch import FLOWS
from paas.rules.jobs import KINDS
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage


def test_every_kind_of_job_has_a_flow() -> None:
    assert set(FLOWS) == set(KINDS)


def test_a_failure_is_told_in_order(sqlite_stage: Stage) -> None:
    sqlite_stage.push("a")
    sqlite_stage.builder.refusal = BuildError("RUN make failed", "look at the Makefile", tail=("no rule",))
    job = sqlite_stage.push("b")
    assert sqlite_stage.log(job.id).splitlines()[-5:] == [
        " !     The build failed",
        " !     no rule",
        " !     RUN make failed  [build-failed]",
        " !     look at the Makefile",
        " !     v1 still serves",
    ]


def test_a_job_whose_release_had_failed_when_its_worker_died_stays_failed(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(listens=False, exit_code=1))
    job_id = stage.queue_push("b")
    stage.run(job_id)
    stage.reopen(job_id)
    stage.runtime.behave("serve", Behaviour())
    job = stage.run(job_id)
    assert job.result_code == "deploy-failed"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert stage.serves() == ["web.1 v1"]


def test_a_worker_that_lost_its_job_writes_nothing(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    stage.push("a")
    job_id = stage.queue_push("b")
    job = stage.run(job_id, lose_it=True)
    assert job.result_code != "", "the other worker's to end"
    assert stage.ledger()[0] == "v1 current"
    assert stage.app().branch_commit == "a" * 40


def test_how_a_job_ended_is_in_the_audit_trail(sqlite_stage: Stage) -> None:
    sqlite_stage.push("a")
    sqlite_stage.builder.refusal = BuildError("no")
    sqlite_stage.push("b")
    found = [*sqlite_stage.with_action("deploy.succeeded"), *sqlite_stage.with_action("deploy.failed")]
    assert [(event.actor, event.via, event.result) for event in found] == [
        ("ada", "git", "ok"),
        ("ada", "git", "build-failed"),
    ]
