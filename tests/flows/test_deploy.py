"""A push becomes a source, an image, a release, processes and routes; or nothing changes."""

from __future__ import annotations

import json

import pytest

from paas.errors import BuildError
from paas.model import App, update
from paas.ports import HttpAnswer
from paas.rules.jobs import Rollback, Scale
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import PROCFILE, Stage


def app_json(**words: object) -> dict[str, bytes]:
    return {**PROCFILE, "app.json": json.dumps(words).encode()}


def web_checks(**words: object) -> dict[str, bytes]:
    return app_json(healthchecks={"web": [{"type": "startup", **words}]})


# --- It goes well -----------------------------------------------------------------------------------------------------
def test_a_first_push_is_built_released_started_and_served(stage: Stage) -> None:
    job = stage.push("a", tags={"refs/tags/one": "a" * 40})
    assert job.state == "succeeded", stage.log(job.id)
    assert job.result["version"] == 1
    assert job.result["url"] == "http://blog.localhost"
    assert stage.ledger() == ["v1 current"]
    assert stage.running() == ["web.1 v1"]
    assert stage.serves() == ["web.1 v1"]
    app = stage.app()
    assert (app.branch_commit, app.deploy_branch) == ("a" * 40, "main")
    assert stage.tags() == {"refs/tags/one": "a" * 40}
    assert "-----> Building with Dockerfile (Dockerfile found)" in stage.log(job.id)
    assert "-----> Waiting for web to answer on port 5000" in stage.log(job.id)
    assert stage.steps(job.id) == ["receive", "detect", "build", "release", "start", "health", "switch"]
    stage.settle()
    stage.assert_tidy()


def test_a_second_push_replaces_the_first_and_the_old_copy_retires_later(stage: Stage) -> None:
    stage.push("a")
    stage.push("b")
    assert stage.ledger() == ["v1 superseded", "v2 current"]
    assert stage.releases()[1].previous_id == stage.releases()[0].id
    assert stage.serves() == ["web.1 v2"]
    assert stage.running() == ["web.1 v1", "web.1 v2"], "the pusher does not wait for the old copy"
    stage.settle()
    assert stage.running() == ["web.1 v2"]
    stage.assert_tidy()


def test_all_scaled_processes_are_started_in_the_apps_network(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"web": 2, "worker": 1})))
    stage.push("b")
    stage.settle()
    assert stage.running() == ["web.1 v2", "web.2 v2", "worker.1 v2"]
    assert stage.serves() == ["web.1 v2", "web.2 v2"]
    addresses = [it.address for it in stage.runtime.containers()]
    assert len(set(addresses)) == 3
    assert {stage.runtime.spec_of(it.name).network for it in stage.runtime.containers()} == {"paas-abcd1234"}
    stage.assert_tidy()


def test_only_web_gets_port_and_the_users_port_wins(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"worker": 1})))
    stage.run(stage.queue_config(PORT="7000"))
    stage.settle()
    assert stage.environment("web")["PORT"] == "7000"
    assert "PORT" not in stage.environment("worker")
    assert stage.proxy.site("abcd1234").backends[0].endswith(":7000")  # type: ignore[union-attr]
    assert stage.environment("web")["GIT_REV"] == "a" * 40
    assert stage.environment("worker")["PAAS_PROCESS"] == "worker.1"


def test_of_several_exposed_ports_the_lowest_counts_and_the_log_says_so(stage: Stage) -> None:
    stage.builder.exposed_ports = (9090, 8080)
    job = stage.push("a")
    assert stage.releases()[0].port == 8080
    assert "the lowest of 8080, 9090" in stage.log(job.id)
    assert "answer on port 8080" in stage.log(job.id)


def test_a_build_gets_its_secrets_and_a_cache_of_its_own(stage: Stage) -> None:
    stage.run(stage.queue_config(TOKEN="swordfish-123"))
    stage.mark_for_builds("TOKEN")
    stage.push("a")
    stage.run(stage.queue_config(TOKEN="another-456"))
    stage.push("b")
    first, second = stage.builder.orders
    assert first.secrets["TOKEN"].reveal() == "swordfish-123"
    assert first.cache_key != second.cache_key, "a layer made with one secret is not served to another"
    assert first.arguments["SOURCE_VERSION"] == "a" * 40
    assert len(first.tag.partition(":")[2]) == 32


def test_no_value_of_a_variable_is_written_into_the_log(stage: Stage) -> None:
    stage.run(stage.queue_config(TOKEN="swordfish-123"))
    stage.builder.lines = ("fetching with swordfish-123",)
    job = stage.push("a")
    assert "fetching with ********" in stage.log(job.id)


# --- app.json ---------------------------------------------------------------------------------------------------------
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


def test_a_required_variable_that_is_missing_is_refused_before_the_build(stage: Stage) -> None:
    job = stage.push("a", app_json(env={"KEY": {"required": True}}))
    assert job.result_code == "config-missing"
    assert stage.builder.orders == []
    assert stage.ledger() == []


def test_app_jsons_formation_counts_until_somebody_scales(stage: Stage) -> None:
    stage.push("a", app_json(formation={"web": {"quantity": 2}, "worker": {"quantity": 1}}))
    assert stage.running() == ["web.1 v1", "web.2 v1", "worker.1 v1"]
    stage.run(stage.queue(Scale(counts={"web": 1})))
    stage.push("b", app_json(formation={"web": {"quantity": 2}, "worker": {"quantity": 1}}))
    stage.settle()
    assert stage.running() == ["web.1 v2", "worker.1 v2"]


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


# --- One story per failing step ---------------------------------------------------------------------------------------
def assert_nothing_changed(stage: Stage) -> None:
    """v1 of commit a still serves, alone."""
    assert stage.serves() == ["web.1 v1"]
    assert stage.running() == ["web.1 v1"]
    assert stage.app().branch_commit == "a" * 40
    assert stage.tags() == {}
    stage.settle()
    stage.assert_tidy()


def test_a_push_whose_branch_moved_is_refused_before_building(stage: Stage) -> None:
    stage.push("a")
    late = stage.push("c", old="9")
    assert late.result_code == "branch-moved"
    assert "main moved while you waited: fetch and push again" in stage.log(late.id)
    assert len(stage.builder.orders) == 1
    assert_nothing_changed(stage)


def test_a_push_that_descends_from_what_was_deployed_meanwhile_is_deployed(stage: Stage) -> None:
    stage.push("a")
    assert stage.push("c", old="9", descends_from=("a" * 40,)).state == "succeeded"


def test_a_locked_app_is_not_deployed(stage: Stage) -> None:
    stage.push("a")
    with stage.on.database.write() as session:
        session.execute(update(App).values(is_locked=True))
    assert stage.push("b").result_code == "app-locked"
    assert_nothing_changed(stage)


def test_a_source_nobody_can_build_is_refused(stage: Stage) -> None:
    stage.push("a")
    assert stage.push("b", {"README.md": b"hello"}).result_code == "no-builder"
    assert_nothing_changed(stage)


def test_a_broken_procfile_names_its_line(stage: Stage) -> None:
    stage.push("a")
    job = stage.push("b", {**PROCFILE, "Procfile": b"web serve\n"})
    assert "Procfile line 1" in stage.log(job.id)
    assert_nothing_changed(stage)


def test_a_failed_build_takes_no_number_and_shows_its_last_lines(stage: Stage) -> None:
    stage.push("a")
    stage.builder.refusal = BuildError("RUN make failed", "look at the Makefile", tail=("no rule to make target",))
    job = stage.push("b")
    assert job.result_code == "build-failed"
    assert stage.ledger() == ["v1 current"]
    assert " !     no rule to make target" in stage.log(job.id)
    assert " !     v1 still serves" in stage.log(job.id)
    assert_nothing_changed(stage)
    stage.builder.refusal = None
    assert stage.push("d").result["version"] == 2


def test_an_image_without_a_command_is_refused(stage: Stage) -> None:
    stage.push("a")
    stage.builder.command = ()
    assert stage.push("b", {"Dockerfile": b"FROM scratch\n"}).result_code == "no-command"
    assert_nothing_changed(stage)


def test_a_failing_release_task_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("migrate", Behaviour(exit_code=1, output=("column exists already",)))
    job = stage.push("b", {**PROCFILE, "Procfile": b"web: serve\nrelease: migrate\n"})
    assert job.result_code == "task-failed"
    assert "       column exists already" in stage.log(job.id)
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert stage.releases()[1].failure == "The release task ended with exit code 1"
    assert_nothing_changed(stage)


def test_a_release_task_that_takes_too_long_is_killed(stage: Stage) -> None:
    stage.push("a")
    job = stage.push("b", {**PROCFILE, "Procfile": b"web: serve\nrelease: migrate\n"})
    assert job.result_code == "task-timeout"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)


def test_a_container_that_cannot_start_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(refuses_to_start="exec: serve: not found"))
    assert stage.push("b").result_code == "start-failed"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)


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


def test_a_worker_that_dies_within_a_few_seconds_fails_the_deploy(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(Scale(counts={"worker": 1})))
    stage.runtime.behave("work", Behaviour(exit_code=0, exits_after=1))
    job = stage.push("b")
    assert "worker.1 ended by itself (exit code 0)" in stage.log(job.id)
    assert stage.running() == ["web.1 v1", "worker.1 v1"]


def test_an_nginx_that_does_not_confirm_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.proxy.is_down = True
    job = stage.push("b")
    stage.proxy.is_down = False
    assert job.result_code == "unavailable"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)


def test_a_site_that_nginx_refuses_keeps_the_old_release(stage: Stage) -> None:
    stage.push("a")
    stage.proxy.broken["abcd1234"] = "unknown directive"
    assert stage.push("b").result_code == "site-refused"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)


def test_a_release_that_failed_is_never_gone_back_to(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(exit_code=1, listens=False))
    stage.push("b")
    assert stage.run(stage.queue(Rollback(version=2))).result_code == "release-failed"
    assert_nothing_changed(stage)


# --- Cancel -----------------------------------------------------------------------------------------------------------
def test_a_cancelled_deploy_changes_nothing(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("serve", Behaviour(listens=False))
    job = stage.run(stage.queue_push("b"), cancel_after=3)
    assert job.result_code == "cancelled"
    assert stage.ledger() == ["v1 current", "v2 failed"]
    assert_nothing_changed(stage)
