"""Commands in an app's own image, and in its running copies."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from paas.errors import PaasError
from paas.flows.oneoff import open_terminal
from paas.flows.retire import retire
from paas.model import App, Image, Release, select, update
from paas.rules.jobs import ConsoleOrder, RunDetached, StopRuns
from tests.fakes.behaviour import Behaviour
from tests.flows.stage import Stage


def test_a_command_runs_in_the_current_release_with_its_variables_and_without_port(stage: Stage) -> None:
    stage.run(stage.queue_config(GREETING="hello", PORT="7000"))
    stage.push("a")
    stage.runtime.behave("python", Behaviour(output=("hi",), exit_code=3))
    terminal = open_terminal(stage.on, stage.app(), ConsoleOrder(kind="run", command=("python", "-V"), tty=True))
    assert [data for _stream, data in terminal.frames()] == [b"hi\n"]
    assert terminal.exit_code() == 3
    made = next(it for it in stage.runtime.containers() if it.process_type == "run")
    spec = stage.runtime.spec_of(made.name)
    assert spec.command == ("python", "-V")
    assert (spec.tty, spec.stdin, spec.address) == (True, True, None)
    assert spec.environment["GREETING"].reveal() == "hello"
    assert "PORT" not in spec.environment
    terminal.close()
    assert stage.runtime.find(made.name) is None


def test_one_word_with_spaces_is_a_line_for_the_shell(stage: Stage) -> None:
    stage.push("a")
    with stage.on.database.write() as session:
        session.execute(update(Image).values(builder="python"))
    stage.run(stage.queue(RunDetached(command=("echo $GREETING | rev",))))
    made = next(it for it in stage.runtime.containers() if it.process_type == "run")
    assert stage.runtime.spec_of(made.name).command == ("/bin/bash", "-c", "echo $GREETING | rev")


def test_the_name_of_a_process_stands_for_its_line(stage: Stage) -> None:
    stage.push("a")
    stage.run(stage.queue(RunDetached(command=("worker",))))
    with stage.on.database.read() as session:
        wanted = session.scalars(select(Release)).one().processes["worker"]
    made = next(it for it in stage.runtime.containers() if it.process_type == "run")
    assert " ".join(stage.runtime.spec_of(made.name).command or ()).endswith(wanted)


def _sealed(stage: Stage, **values: str) -> str:
    return base64.b64encode(stage.on.vault.seal(json.dumps(values))).decode()


def test_a_command_finds_its_own_variables_over_the_apps(stage: Stage) -> None:
    stage.run(stage.queue_config(GREETING="hello", COLOUR="blue"))
    stage.push("a")
    job_id = stage.queue(RunDetached(command=("env",), variables=_sealed(stage, GREETING="moin-moin-moin")))
    stage.runtime.behave("env", Behaviour(output=("GREETING=moin-moin-moin",), exit_code=0, exits_after=1))
    stage.run(job_id)
    made = next(it for it in stage.runtime.containers() if it.process_type == "run")
    found = stage.runtime.spec_of(made.name).environment
    assert (found["GREETING"].reveal(), found["COLOUR"].reveal()) == ("moin-moin-moin", "blue")
    stage.clock.advance(2)
    retire(stage.on)
    assert "moin" not in stage.log(job_id) and "GREETING=********" in stage.log(job_id)


@pytest.mark.parametrize("variables", ["", "LD_PRELOAD"])
def test_variables_that_a_broken_door_made_up_are_refused(stage: Stage, variables: str) -> None:
    stage.push("a")
    sealed = _sealed(stage, **{variables: "/x.so"}) if variables else base64.b64encode(b"nonsense").decode()
    with pytest.raises(PaasError):
        open_terminal(stage.on, stage.app(), ConsoleOrder(kind="run", command=("env",), variables=sealed))
    assert [it.process_type for it in stage.runtime.containers()] == ["web"]


def test_one_offs_are_stopped_and_what_they_printed_is_kept(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("sleep", Behaviour(output=("zzz",)))
    first, second = (stage.queue(RunDetached(command=("sleep", "99"))) for _ in range(2))
    for job_id in (first, second):
        stage.run(job_id)
    job = stage.run(stage.queue(StopRuns(numbers=(first,))))
    assert job.state == "succeeded" and f"Stopped blog.run.{first}" in stage.log(job.id)
    retire(stage.on)
    assert "zzz" in stage.log(first) and "Ended with exit code" not in stage.log(second)
    stage.run(stage.queue(StopRuns()))
    retire(stage.on)
    assert "zzz" in stage.log(second)
    assert [it.process_type for it in stage.runtime.containers()] == ["web"]
    stage.assert_tidy()


def test_entering_runs_a_command_in_the_copy_that_is_named(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("hostname", Behaviour(output=("inside",)))
    for process in ("", "web", "web.1"):
        order = ConsoleOrder(kind="enter", command=("hostname",), process=process)
        assert [data for _stream, data in open_terminal(stage.on, stage.app(), order).frames()] == [b"inside\n"]
    with pytest.raises(PaasError, match=r"web\.7 does not run"):
        open_terminal(stage.on, stage.app(), ConsoleOrder(kind="enter", process="web.7"))


def test_an_app_that_was_never_deployed_runs_nothing(stage: Stage) -> None:
    with pytest.raises(PaasError, match="never deployed"):
        open_terminal(stage.on, stage.app(), ConsoleOrder(kind="run", command=("ls",)))


def test_an_app_that_is_being_destroyed_runs_nothing(stage: Stage) -> None:
    stage.push("a")
    with stage.on.database.write() as session:
        session.execute(update(App).values(is_destroying=True))
    with pytest.raises(PaasError, match="does not exist"):
        open_terminal(stage.on, stage.app(), ConsoleOrder(kind="run", command=("ls",)))


def test_a_command_that_cannot_be_started_leaves_no_container(stage: Stage) -> None:
    stage.push("a")
    stage.runtime.behave("nosuch", Behaviour(refuses_to_start="exec: nosuch: no such file"))
    with pytest.raises(PaasError, match="no such file"):
        open_terminal(stage.on, stage.app(), ConsoleOrder(kind="run", command=("nosuch",)))
    assert [it.process_type for it in stage.runtime.containers()] == ["web"]


def test_a_detached_command_whose_start_was_cut_off_is_started(stage: Stage) -> None:
    stage.push("a")
    job_id = stage.queue(RunDetached(command=("reindex",)))
    plain = stage.runtime.spec_of(stage.rows("live")[0].container)
    stage.runtime.create(replace(plain, name=f"paas-abcd1234-run-j{job_id}", process_type="run", job_id=job_id))
    stage.run(job_id)
    made = stage.runtime.find(f"paas-abcd1234-run-j{job_id}")
    assert made is not None and made.state == "running"
