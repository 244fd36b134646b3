"""Old copies drain, stop and go; their addresses rest until no nginx worker can know them."""

from __future__ import annotations

from datetime import timedelta

from paas.flows.retire import retire
from paas.model import Address, App, select, update
from paas.rules.jobs import RunDetached
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import PROCFILE, Stage


def addresses(stage: Stage) -> dict[str, bool]:
    """Address -> is it held by a container?"""
    with stage.on.database.read() as session:
        return {row.address: row.container is not None for row in session.scalars(select(Address))}


def test_a_copy_is_stopped_when_nobody_speaks_to_it_any_more(stage: Stage) -> None:
    stage.push("a")
    old = next(it for it in stage.runtime.containers())
    stage.push("b")
    stage.proxy.connections[str(old.address)] = 1
    assert retire(stage.on) == 1
    assert stage.running() == ["web.1 v1", "web.1 v2"]
    stage.proxy.connections.clear()
    assert retire(stage.on) == 0
    assert stage.running() == ["web.1 v2"]
    assert old.name in stage.on.log_keeper.finished  # type: ignore[attr-defined]
    stage.assert_tidy()


def test_a_connection_that_stays_is_waited_for_only_so_long(stage: Stage) -> None:
    stage.push("a")
    old = next(it for it in stage.runtime.containers())
    stage.push("b")
    stage.proxy.connections[str(old.address)] = 1
    assert retire(stage.on) == 1
    stage.clock.advance(stage.on.settings.drain_timeout)
    assert retire(stage.on) == 0
    assert stage.running() == ["web.1 v2"]


def test_an_app_may_set_its_own_times_to_drain_and_to_stop(stage: Stage) -> None:
    stage.runtime.behave("serve", Behaviour(ignores_sigterm=True))
    stage.push("a")
    old = next(it for it in stage.runtime.containers())
    with stage.on.database.write() as session:
        session.execute(update(App).values(process_settings={"drain-timeout": 100, "stop-timeout": 70}))
    stage.push("b")
    stage.proxy.connections[str(old.address)] = 1
    stage.clock.advance(99)
    assert retire(stage.on) == 1
    stage.clock.advance(1)
    before = stage.clock.monotonic()
    assert retire(stage.on) == 0
    assert stage.clock.monotonic() - before >= 70
    assert stage.running() == ["web.1 v2"]


def test_a_copy_that_docker_does_not_stop_keeps_no_other(stage: Stage) -> None:
    stage.push("a")
    stubborn = next(it for it in stage.runtime.containers())
    stage.push("b")
    other = next(it for it in stage.runtime.containers() if it.name != stubborn.name)
    stage.push("c")
    stage.runtime.stubborn.add(stubborn.name)
    assert retire(stage.on) == 0
    assert [row.container for row in stage.rows("retiring")] == [stubborn.name]
    assert stage.runtime.find(other.name) is None
    stage.runtime.stubborn.clear()
    stage.settle()
    stage.assert_tidy()


def test_a_copy_that_ignores_sigterm_is_killed(stage: Stage) -> None:
    stage.runtime.behave("serve", Behaviour(ignores_sigterm=True))
    stage.push("a")
    stage.push("b")
    before = stage.clock.monotonic()
    stage.settle()
    assert stage.clock.monotonic() - before >= stage.on.settings.stop_timeout
    assert stage.running() == ["web.1 v2"]


def test_an_address_rests_until_no_nginx_worker_from_before_is_left(stage: Stage) -> None:
    stage.push("a")
    stage.proxy.oldest = stage.clock.now()
    stage.push("b")
    stage.settle()
    assert addresses(stage) == {"10.208.0.2": False, "10.208.0.3": True}
    stage.push("c")
    stage.settle()
    assert "10.208.0.4" in addresses(stage), "the first is not used again yet"
    stage.clock.advance(60)
    stage.proxy.oldest = stage.clock.now() - timedelta(seconds=1)
    retire(stage.on)
    assert addresses(stage) == {"10.208.0.4": True}
    stage.push("d")
    assert "10.208.0.2" in addresses(stage)


def test_a_release_tasks_container_stays_until_its_job_has_ended(stage: Stage) -> None:
    stage.runtime.behave("-j", Behaviour(exit_code=0))
    job_id = stage.queue_push("a", {**PROCFILE, "Procfile": b"web: serve\nrelease: migrate\n"})
    stage.kill_at(job_id, "deploy.release.after")
    retire(stage.on)
    assert stage.runtime.find(f"paas-abcd1234-release-j{job_id}") is not None
    stage.run(job_id)
    retire(stage.on)
    assert stage.runtime.find(f"paas-abcd1234-release-j{job_id}") is None


def test_what_a_detached_one_off_prints_is_kept_when_it_has_ended(stage: Stage) -> None:
    stage.run(stage.queue_config(TOKEN="swordfish-123"))
    stage.push("a")
    stage.runtime.behave("reindex", Behaviour(output=("10 done with swordfish-123",), exit_code=4, exits_after=5))
    job_id = stage.queue(RunDetached(command=("reindex",)))
    assert stage.run(job_id).state == "succeeded"
    retire(stage.on)
    assert "10 done" not in stage.log(job_id)
    stage.clock.advance(6)
    retire(stage.on)
    assert stage.log(job_id).endswith("10 done with ********\nEnded with exit code 4\n")
    stage.settle()
    stage.assert_tidy()
