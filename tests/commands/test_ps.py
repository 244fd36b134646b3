"""ps:*, run, enter, releases and rollback as people type them."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from paas.model import Event, Formation, Job, Process, select
from tests.commands.world import World


def _jobs(world: World) -> list[dict[str, object]]:
    with world.on.database.read() as session:
        return [job.payload for job in session.scalars(select(Job).where(Job.kind != "route").order_by(Job.id))]


@pytest.fixture
def deployed(small_world: World) -> World:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.deployed("blog", versions=3, processes=("web", "worker"))
    return small_world


def test_scaling_shows_and_sets(deployed: World) -> None:
    shown = deployed.type(deployed.admin, "ps:scale blog")[1].out
    assert shown.splitlines()[-2:] == ["web: 1", "worker: 0"]
    deployed.call(deployed.admin, "ps:scale", app="blog", pairs=("web=2", "worker=1"))
    assert _jobs(deployed) == [{"kind": "scale", "counts": {"web": 2, "worker": 1}}]


@pytest.mark.parametrize(
    "pair", ["web=-1", "web=1e9", "web=", "web", "web=1.5", "web=١", "nosuch=1", "web=41", "release=1"]
)
def test_a_bad_scale_is_one_clear_line_and_queues_nothing(deployed: World, pair: str) -> None:
    code, screen = deployed.type(deployed.admin, f"ps:scale blog {pair}")
    assert code == 1 and "[" in screen.err and "Traceback" not in screen.err
    assert _jobs(deployed) == []


def test_before_the_first_deploy_scale_is_remembered(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.admin, "ps:scale blog web=3")
    assert small_world.type(small_world.admin, "ps:scale blog")[1].out.splitlines()[-1] == "web: 3"


@pytest.mark.parametrize(
    "command", ["ps:restart", "ps:start", "ps:rebuild", "rollback", "run", "run:detached", "enter"]
)
def test_what_needs_a_release_says_so(small_world: World, command: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    words = f"{command} blog ls" if command.startswith("run") else f"{command} blog"
    code, screen = small_world.type(small_world.admin, words)
    assert code == 1 and "[no-release]" in screen.err


def test_an_app_that_is_scaled_to_nothing_is_stopped_and_one_that_lost_its_copies_is_unhealthy(deployed: World) -> None:
    assert deployed.call(deployed.admin, "apps:info", app="blog").status == "Unhealthy"
    with deployed.on.database.write() as session:
        session.add(Formation(app_id=deployed.app("blog").id, process_type="web", quantity=0))
    assert deployed.call(deployed.admin, "apps:info", app="blog").status == "Stopped"
    with deployed.on.database.write() as session:
        session.add(Formation(app_id=deployed.app("blog").id, process_type="worker", quantity=1))
    assert deployed.call(deployed.admin, "apps:info", app="blog").status == "Unhealthy"


def test_rollback_goes_to_the_release_before_or_to_the_named_one(deployed: World) -> None:
    deployed.call(deployed.admin, "rollback", app="blog")
    deployed.call(deployed.admin, "rollback", app="blog", version="v1")
    assert _jobs(deployed) == [{"kind": "rollback", "version": 2}, {"kind": "rollback", "version": 1}]
    for version in ("v9", "0", "x", "v1; ls"):
        code, screen = deployed.type(deployed.admin, ["rollback", "blog", version])
        assert code == 1 and ("[version]" in screen.err or "[release-not-found]" in screen.err)


def test_options_behind_the_app_of_run_belong_to_the_command(deployed: World) -> None:
    deployed.call(deployed.admin, "run:detached", app="blog", words=("ls", "--format", "json", "-n", "5"))
    code, screen = deployed.type(deployed.admin, "run:detached blog ls --format json --app x -n 5")
    assert code == 0, screen.err
    assert [job["command"] for job in _jobs(deployed)] == [
        ["ls", "--format", "json", "-n", "5"],
        ["ls", "--format", "json", "--app", "x", "-n", "5"],
    ]


def test_enter_names_what_runs(deployed: World) -> None:
    with deployed.on.database.write() as session:
        app = deployed.app("blog")
        session.add(
            Process(
                container=f"paas-{app.id}-web-1-r1",
                app_id=app.id,
                process_type="web",
                copy=1,
                rollout=1,
                release_id=app.current_release_id,
                job_id=None,
                state="live",
                created_at=deployed.clock.now(),
            )
        )
    code, screen = deployed.type(deployed.admin, "enter blog worker")
    assert code == 1 and "running: web.1" in screen.err
    session_wanted = deployed.call(deployed.admin, "enter", app="blog", process="web")
    assert session_wanted.order.process == "web.1"
    assert deployed.type(deployed.admin, "ps:report blog --status-web-1")[1].out.startswith("running (paas-")


def test_releases_are_listed_compared_and_shown(deployed: World) -> None:
    assert [line.split()[0] for line in deployed.type(deployed.admin, "releases blog")[1].out.splitlines()[1:]] == [
        "v3",
        "v2",
        "v1",
    ]
    assert '"version": "v2"' in deployed.type(deployed.admin, "releases:info blog v2 --format json")[1].out
    assert deployed.type(deployed.admin, "releases:diff blog v1 v3")[0] == 0


def test_counts_may_be_remembered_for_the_next_deploy_alone(deployed: World) -> None:
    assert deployed.type(deployed.admin, "ps:scale --skip-deploy blog worker=2")[0] == 0
    assert deployed.type(deployed.admin, "ps:scale blog")[1].out.splitlines()[-1] == "worker: 2"
    assert _jobs(deployed) == []
    assert deployed.type(deployed.admin, "ps:scale --skip-deploy blog nosuch=2")[0] == 1


def _order(world: World, line: str) -> dict[str, Any]:
    assert world.type(world.admin, line)[0] == 0
    return dict(_jobs(world)[-1])


def test_a_command_gets_variables_of_its_own_which_no_row_shows(deployed: World) -> None:
    for line in (
        "run:detached -e A=swordfish --env=B=2 blog env",
        "--app blog run:detached -e A=swordfish --env B=2 env",
        "run --detach -e A=swordfish -eB=2 --no-tty blog -- env",
    ):
        order = _order(deployed, line)
        assert order["command"] == ["env"] and "swordfish" not in str(order)
        assert json.loads(deployed.on.vault.open(base64.b64decode(order["variables"]))) == {"A": "swordfish", "B": "2"}
    with deployed.on.database.read() as session:
        assert "swordfish" not in "".join(str(event.details) for event in session.scalars(select(Event)))
    for pair in ("LD_PRELOAD=/x.so", "PAAS_APP=x", "A", "=1"):
        code, screen = deployed.type(deployed.admin, f"run -e {pair} blog env")
        assert code == 1 and "[config-" in screen.err


def test_a_watched_command_may_do_without_a_terminal(deployed: World) -> None:
    assert deployed.call(deployed.admin, "run", app="blog", words=("ls",)).wants_terminal
    assert not deployed.call(deployed.admin, "run", app="blog", words=("ls",), no_tty=True).wants_terminal


def test_a_detached_command_answers_with_its_name_alone(deployed: World) -> None:
    screen = deployed.type(deployed.admin, "run:detached blog sleep 9")[1]
    assert re.fullmatch(r"blog\.run\.[0-9]+\n", screen.out) and "builds:output blog" in screen.err
    answer = json.loads(deployed.type(deployed.admin, "run:detached --format json blog sleep 9")[1].out)
    assert answer["answer"] == f"blog.run.{answer['job_id']}"


def test_what_runs_beside_the_processes_is_listed_and_stopped(deployed: World) -> None:
    number = deployed.call(deployed.admin, "run:detached", app="blog", words=("sleep", "9")).job_id
    app_id = deployed.app("blog").id
    names = (f"paas-{app_id}-web-1-r1", f"paas-{app_id}-run-j{number}", f"paas-{app_id}-run-j1999999999")
    found = [{"name": name, "state": "running", "started_at": "2026-01-02T03:04:05Z"} for name in names]
    deployed.line.answers["inspect"] = {"containers": found}
    shown = deployed.type(deployed.admin, "run:list blog")[1].out.splitlines()
    assert shown[0] == "=====> blog run containers"
    assert [line.split()[:3] for line in shown[1:]] == [
        ["NAMES", "COMMAND", "CREATED"],
        [f"blog.run.{number}", "sleep", "9"],
        ["blog.run.1999999999", "2026-01-02T03:04:05Z"],
    ]
    deployed.call(deployed.admin, "run:stop", app="blog", container=f"blog.run.{number}")
    deployed.call(deployed.admin, "run:stop", app="blog")
    assert [job["numbers"] for job in _jobs(deployed)[-2:]] == [[number], []]
    code, screen = deployed.type(deployed.admin, "run:stop blog --container shop.run.1")
    assert code == 1 and "run:list blog" in screen.err


def test_a_line_of_all_reports_needs_no_app(deployed: World) -> None:
    assert deployed.type(deployed.admin, "ps:report --deployed")[1].out == "true\n"
    assert deployed.type(deployed.admin, "ps:report --deployed blog")[1].out == "true\n"
    assert "valid flags" in deployed.type(deployed.admin, "ps:report --nosuch")[1].err


def test_run_may_be_detached_by_a_flag_before_the_app(deployed: World) -> None:
    assert deployed.type(deployed.admin, "run --detach blog ls --detach")[0] == 0
    assert deployed.type(deployed.admin, "--app blog run --detach ls")[0] == 0
    assert deployed.type(deployed.admin, "run --detach blog -- ls --")[0] == 0
    assert [job["command"] for job in _jobs(deployed)] == [["ls", "--detach"], ["ls"], ["ls", "--"]]
