"""The ledger of releases: what a release takes from app.json and the config, and what it gives back."""

from __future__ import annotations

from paas.model import App, update
from paas.rules.jobs import Rollback
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage, app_json, assert_nothing_changed


def test_app_jsons_variables_are_kept_at_the_first_deploy_and_secrets_are_made_once(stage: Stage) -> None:
    env = {"COLOUR": {"value": "blue"}, "KEY": {"generator": "secret"}, "MAYBE": {"required": False}}
    stage.push("a", app_json(env=env))
    first = stage.config()
    assert first["COLOUR"] == "blue"
    assert len(first["KEY"]) == 64
    assert "MAYBE" not in first
    stage.run(stage.queue_config(unset=["COLOUR"]))
    stage.push("b", app_json(env=env))
    assert stage.config() == {"KEY": first["KEY"]}, "what a person unset stays unset"


def test_a_push_moves_no_branch_when_another_was_chosen_meanwhile(stage: Stage) -> None:
    stage.push("a")
    job_id = stage.queue_push("b")
    with stage.on.database.write() as session:
        session.execute(update(App).values(deploy_branch="release", branch_commit=None))
    assert stage.run(job_id).state == "succeeded"
    assert (stage.app().deploy_branch, stage.app().branch_commit) == ("release", None)


def test_a_release_that_failed_is_never_gone_back_to(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(exit_code=1, listens=False))
    stage.push("b")
    assert stage.run(stage.queue(Rollback(version=2))).result_code == "release-failed"
    assert_nothing_changed(stage)
