"""What runs equals what is recorded, in both directions, whatever happened behind the platform's back."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network

from paas.flows.reconcile import reconcile, reconcile_app
from paas.model import Event, select
from paas.ports import ContainerSpec, NetworkSpec
from paas.rules.jobs import Stop
from tests.flows.repairs import deployed, repairs, run_repairs
from tests.flows.stage import APP, Stage


def test_a_process_that_died_is_started_again_at_once_with_its_address(stage: Stage) -> None:
    name = deployed(stage)
    stage.runtime.die(name, 1)
    reconcile_app(stage.on, APP)
    assert stage.serves() == ["web.1 v1"]
    assert stage.runtime.calls[-1] == f"start_again {name}"
    assert repairs(stage) == []
    stage.assert_tidy()


def test_a_process_that_keeps_dying_waits_ever_longer_and_is_shown_as_crashed(stage: Stage) -> None:
    name = deployed(stage)
    waits = []
    for _death in range(6):
        stage.runtime.die(name, 1)
        due = reconcile_app(stage.on, APP)
        waits.append((due - stage.clock.now()).total_seconds() if due else 0)
        if due:
            row = stage.rows("live")[0]
            assert (row.crashed_at, row.exit_code) == (stage.clock.now(), 1)
            assert stage.running() == []
            assert reconcile_app(stage.on, APP) == due, "looking again changes nothing"
            stage.clock.advance(waits[-1])
            reconcile_app(stage.on, APP)
        assert stage.running() == ["web.1 v1"]
    assert waits == [0, 1, 2, 4, 8, 16]
    assert len(stage.with_action("process.died")) == 6


def test_a_process_that_stayed_up_long_enough_begins_anew(stage: Stage) -> None:
    name = deployed(stage)
    for _death in range(2):
        stage.runtime.die(name, 1)
        stage.clock.advance(60)
        reconcile(stage.on)
        stage.clock.advance(60)
        reconcile(stage.on)
    assert stage.rows("live")[0].restarts == 2
    stage.clock.advance(600)
    reconcile(stage.on)
    assert stage.rows("live")[0].restarts == 0


def test_after_a_reboot_with_stopped_containers_all_serve(stage: Stage) -> None:
    name = deployed(stage)
    stage.runtime.die(name, 137)
    reconcile(stage.on, is_boot=True)
    assert stage.serves() == ["web.1 v1"]
    stage.assert_tidy()


def test_after_a_reboot_with_everything_gone_all_serve(stage: Stage) -> None:
    stage.runtime.lose(deployed(stage))
    stage.runtime.remove_network("paas-abcd1234")
    stage.on.firewall.remove()
    reconcile(stage.on, is_boot=True)
    run_repairs(stage)
    stage.settle()
    assert stage.serves() == ["web.1 v1"]
    assert [network.name for network in stage.runtime.networks()] == ["paas-abcd1234"]
    assert stage.on.firewall.check() == []
    stage.assert_tidy()


def test_a_process_that_somebody_paused_goes_on(stage: Stage) -> None:
    name = deployed(stage)
    stage.runtime.pause(name)
    reconcile(stage.on)
    assert stage.serves() == ["web.1 v1"]
    assert stage.rows("live")[0].restarts == 0
    stage.assert_tidy()


def test_a_process_that_was_taken_off_its_network_is_made_anew(stage: Stage) -> None:
    name = deployed(stage)
    stage.runtime.sever(name)
    reconcile(stage.on)
    run_repairs(stage)
    stage.settle()
    assert stage.serves() == ["web.1 v1"]
    assert stage.runtime.find(name) is None
    assert len(repairs(stage)) == 1
    stage.assert_tidy()


def test_a_stopped_app_stays_stopped(stage: Stage) -> None:
    deployed(stage)
    stage.run(stage.queue(Stop()))
    reconcile(stage.on, is_boot=True)
    assert stage.running() == []
    assert repairs(stage) == []


def stranger(stage: Stage, name: str, **parts: object) -> None:
    image = stage.runtime.images()[0].id
    plain = ContainerSpec(name, image, APP, "blog", "web", 9, 1, 99, network="paas-abcd1234")
    stage.runtime.start(replace(plain, **parts))  # type: ignore[arg-type]


def test_a_container_without_a_row_is_removed(stage: Stage) -> None:
    deployed(stage)
    stranger(stage, "paas-abcd1234-web-9-r99")
    reconcile(stage.on)
    stage.assert_tidy()


def test_a_network_of_an_app_that_is_gone_is_removed(stage: Stage) -> None:
    deployed(stage)
    stage.runtime.create_network(NetworkSpec("paas-zzzz9999", "zzzz9999", IPv4Network("10.209.0.0/25")))
    reconcile(stage.on)
    assert [network.name for network in stage.runtime.networks()] == ["paas-abcd1234"]


def test_an_interactive_session_is_left_alone_until_the_worker_was_restarted(stage: Stage) -> None:
    deployed(stage)
    stranger(stage, "paas-abcd1234-run-j5", process_type="run", rollout=0)
    reconcile(stage.on)
    assert stage.runtime.find("paas-abcd1234-run-j5") is not None
    reconcile(stage.on, is_boot=True)
    assert stage.runtime.find("paas-abcd1234-run-j5") is None


def test_an_app_whose_job_runs_is_left_to_the_job(stage: Stage) -> None:
    deployed(stage)
    stranger(stage, "paas-abcd1234-web-9-r99")
    stage._claim(stage.queue(Stop()))
    reconcile(stage.on)
    assert stage.runtime.find("paas-abcd1234-web-9-r99") is not None


def test_a_release_that_is_cut_during_the_pass_is_not_given_up(stage: Stage) -> None:
    deployed(stage)
    stranger(stage, "paas-abcd1234-web-9-r99")

    def hold(app_id: str) -> AbstractContextManager[bool]:
        stage.kill_at(stage.queue_push("b"), "deploy.cut.after")
        return nullcontext(True)

    reconcile(stage.on, hold)
    assert stage.ledger() == ["v1 current", "v2 pending"]
    stage.cancel_queued(2)
    reconcile(stage.on)
    assert stage.ledger() == ["v1 current", "v2 failed"]


def test_a_copy_that_came_after_the_list_of_containers_is_not_lost(stage: Stage) -> None:
    name = deployed(stage)
    spec = stage.runtime.spec_of(name)
    stage.runtime.lose(name)

    def hold(app_id: str) -> AbstractContextManager[bool]:
        stage.runtime.start(spec)
        return nullcontext(True)

    reconcile(stage.on, hold)
    assert repairs(stage) == []
    assert stage.rows("live")[0].restarts == 0


def test_an_app_that_somebody_works_on_is_left_to_them(stage: Stage) -> None:
    name = deployed(stage)
    stage.runtime.die(name, 1)
    reconcile(stage.on, lambda app_id: nullcontext(False))
    assert stage.running() == []


def test_a_clean_pass_changes_nothing(stage: Stage) -> None:
    deployed(stage)
    calls, number = list(stage.runtime.calls), stage.proxy.number
    assert reconcile(stage.on) is None
    assert (stage.runtime.calls, stage.proxy.number) == (calls, number)


def test_crashes_are_events(stage: Stage) -> None:
    stage.runtime.die(deployed(stage), 137, oom_killed=True)
    reconcile_app(stage.on, APP)
    with stage.on.database.read() as session:
        event = session.scalar(select(Event).where(Event.action == "process.died"))
    assert event is not None
    assert (event.target, event.app_name, event.details["exit_code"]) == ("web.1", "blog", 137)
    assert event.at <= stage.clock.now() + timedelta(0)
