"""ps:*, run, enter, releases and rollback as people type them."""

from __future__ import annotations

import pytest

from paas.model import Formation, Job, Process, select
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


def test_run_may_be_detached_by_a_flag_before_the_app(deployed: World) -> None:
    assert deployed.type(deployed.admin, "run --detach blog ls --detach")[0] == 0
    assert deployed.type(deployed.admin, "--app blog run --detach ls")[0] == 0
    assert deployed.type(deployed.admin, "run --detach blog -- ls --")[0] == 0
    assert [job["command"] for job in _jobs(deployed)] == [["ls", "--detach"], ["ls"], ["ls", "--"]]
