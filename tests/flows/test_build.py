"""A source is looked at, built, and its image written down; what cannot be built changes nothing."""

from __future__ import annotations

from paas.errors import BuildError
from tests.flows.stage import PROCFILE, Stage, app_json, assert_nothing_changed


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


def test_a_required_variable_that_is_missing_is_refused_before_the_build(stage: Stage) -> None:
    job = stage.push("a", app_json(env={"KEY": {"required": True}}))
    assert job.result_code == "config-missing"
    assert stage.builder.orders == []
    assert stage.ledger() == []


def test_app_json_cannot_set_what_config_set_may_not(stage: Stage) -> None:
    job = stage.push("a", app_json(env={"LD_PRELOAD": {"value": "/app/x.so"}}))
    assert job.result_code == "config-key"
    assert stage.builder.orders == []


def test_a_formation_of_a_process_that_there_is_not_is_said(stage: Stage) -> None:
    job = stage.push("a", app_json(formation={"wroker": {"quantity": 1}}))
    assert "app.json: formation.wroker does nothing here" in stage.log(job.id)
    assert stage.ledger() == ["v1 current"]
