"""What follows once the new release serves, and cannot fail it any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from paas.rules.jobs import Scale
from tests.fakes.behaviour import Behaviour
from tests.fakes.runtime import FakeRuntime
from tests.flows.stage import Stage, app_json


def test_scripts_run_in_order_and_the_first_deploys_script_runs_once(stage: Stage) -> None:
    files = app_json(scripts={"dokku": {"predeploy": "pre", "postdeploy": "post"}, "postdeploy": "seed"})
    files["Procfile"] = b"web: serve\nrelease: migrate\n"
    stage.runtime.behave("-j", Behaviour(exit_code=0))  # tasks end, copies do not
    stage.push("a", files)
    assert stage.tasks_started() == ["predeploy", "release", "postdeploy", "first-deploy"]
    stage.push("b", files)
    assert stage.tasks_started()[4:] == ["predeploy", "release", "postdeploy"]
    stage.settle()
    stage.assert_tidy()


def test_a_postdeploy_script_that_fails_does_not_fail_the_deploy(stage: Stage) -> None:
    stage.runtime.behave("post-script", Behaviour(exit_code=3))
    job = stage.push("a", app_json(scripts={"dokku": {"postdeploy": "post-script"}}))
    assert job.state == "succeeded"
    assert "The postdeploy task ended with exit code 3; v1 serves all the same" in stage.log(job.id)


def test_the_first_deploy_says_which_processes_nobody_wants(stage: Stage) -> None:
    assert "       Not started: worker (ps:scale blog worker=1)" in stage.log(stage.push("a").id)
    assert "Not started" not in stage.log(stage.push("b").id)


def test_an_app_without_a_web_process_has_no_address(stage: Stage) -> None:
    job = stage.push("a", {"Dockerfile": b"FROM scratch\n", "Procfile": b"worker: work\n"})
    assert job.state == "succeeded"
    assert job.result["url"] is None


def test_an_app_that_is_scaled_to_no_web_is_not_said_to_be_live(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"web": 0})))
    job = stage.push("b")
    assert job.result["url"] is None
    assert "live at" not in stage.log(job.id)


class Buggy:
    """A runtime with a bug: waiting for a task raises what nobody expects."""

    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def wait(self, name: str, *_facts: object) -> int:
        raise KeyError(name)


def test_not_even_a_bug_behind_the_point_of_no_return_fails_the_deploy(stage: Stage) -> None:
    stage.on = replace(stage.on, runtime=Buggy(stage.runtime))
    job = stage.push("a", app_json(scripts={"dokku": {"postdeploy": "post"}}) | {"Procfile": b"web: serve\n"})
    assert job.state == "succeeded", stage.log(job.id)
    assert [release.status for release in stage.releases()] == ["current"]
    assert "v1 serves, but what was left to do failed" in stage.log(job.id)
