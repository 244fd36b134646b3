"""config:* as people type it: values survive exactly, are stored sealed, and are shown to those who may."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from paas.model import ConfigChange, ConfigVariable, Job, select
from tests.commands.world import World

ODD = ['it\'s "quoted"', "two\nlines\n", "  spaces  ", "ünïcödé ☃", "a=b=c", "", "-dash", "$HOME `id`"]


@pytest.mark.parametrize("value", ODD)
def test_a_value_survives_exactly_and_is_not_stored_plainly(world: World, value: str) -> None:
    world.type(world.admin, "apps:create blog")
    assert world.type(world.admin, ["config:set", "blog", f"KEY={value}"])[0] == 0
    assert world.type(world.admin, "config:get blog KEY")[1].out == value + "\n"
    with world.on.database.read() as session:
        sealed = session.scalar(select(ConfigVariable.sealed))
    assert sealed is not None and (len(value) < 4 or value.encode() not in sealed)


def test_before_the_first_deploy_no_job_is_needed(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.admin, "config:set blog A=1 B=2")
    with small_world.on.database.read() as session:
        assert [job.kind for job in session.scalars(select(Job))] == ["route"]


def test_a_change_to_a_running_app_waits_in_its_own_row(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    world.deployed("blog")
    started = world.call(world.admin, "config:set", app="blog", pairs=("A=1",))
    with world.on.database.read() as session:
        change = session.scalars(select(ConfigChange)).one()
        job = session.get(Job, started.job_id)
        assert job is not None and job.payload == {"kind": "config", "change_id": change.id}
        assert session.scalar(select(ConfigVariable)) is None


def test_no_restart_writes_at_once(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.deployed("blog")
    small_world.type(small_world.admin, "config:set --no-restart blog A=1")
    assert small_world.type(small_world.admin, "config:get blog A")[1].out == "1\n"
    small_world.type(small_world.admin, "config:unset --no-restart blog A")
    code, screen = small_world.type(small_world.admin, "config:get blog A")
    assert code == 1 and "[config-key]" in screen.err


def test_values_are_masked_and_need_operate(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.admin, "config:set blog PASSWORD=swordfish")
    small_world.grant(small_world.member, "blog", "deploy")
    code, screen = small_world.type(small_world.member, "config:show blog")
    assert code == 0 and "swordfish" not in screen.out and "PASSWORD:" in screen.out
    assert small_world.type(small_world.member, "config:keys blog")[1].out == "PASSWORD\n"
    for command in ("config:get blog PASSWORD", "config:export blog"):
        code, screen = small_world.type(small_world.member, command)
        assert code == 1 and "[forbidden]" in screen.err and "swordfish" not in screen.out


def test_an_env_file_is_imported_from_stdin(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.admin, "config:set blog OLD=1")
    small_world.type(small_world.admin, "config:import blog --replace", stdin='A="x\\ny"\nexport B=2\n')
    exported = small_world.type(small_world.admin, "config:export blog --format envfile")[1].out
    assert exported == 'A="x\\ny"\nB="2"\n'


def test_encoded_values_are_decoded(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    value = base64.b64encode(b"two\nlines").decode()
    small_world.type(small_world.admin, f"config:set --encoded blog KEY={value}")
    assert small_world.type(small_world.admin, "config:get blog KEY")[1].out == "two\nlines\n"
    assert "[config-value]" in small_world.type(small_world.admin, "config:set --encoded blog KEY=%%%")[1].err


@pytest.mark.parametrize(
    "pair",
    ["1A=x", "A B=x", "=x", "A", "LD_PRELOAD=/x.so", "PAAS_X=1", "É=x", "A=" + "x" * 1_000_000, "A=\0"],
)
def test_a_bad_pair_is_one_clear_line_and_changes_nothing(small_world: World, pair: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    code, screen = small_world.type(small_world.admin, ["config:set", "blog", "GOOD=1", pair])
    assert code == 1 and "[config-" in screen.err and len(screen.err) < 1000
    assert small_world.type(small_world.admin, "config:keys blog")[1].out == ""


def test_a_port_that_is_none_is_refused_at_once(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.deployed("blog")
    code, screen = small_world.type(small_world.admin, "config:set blog PORT=abc")
    assert (code, screen.out) == (1, "")
    assert screen.err.splitlines()[0] == " !     PORT is 'abc'  [port]"


def test_two_who_set_the_same_new_variable_at_once_both_succeed(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    with ThreadPoolExecutor(8) as pool:
        lines = [f"config:set --no-restart blog KEY={number} OTHER{number}=x" for number in range(8)]
        codes = list(pool.map(lambda line: world.type(world.admin, line)[0], lines))
    assert codes == [0] * 8
    assert len(world.type(world.admin, "config:keys blog")[1].out.split()) == 9


def test_no_value_is_in_the_audit_trail(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.admin, "config:set blog PASSWORD=swordfish1")
    shown = small_world.type(small_world.admin, "events --format json")[1].out
    assert "config:set" in shown and "swordfish1" not in shown


@pytest.mark.parametrize("line", ["config:get blog PASSWORD", "config:export blog", "config:show blog --reveal"])
def test_whoever_sees_a_value_is_in_the_audit_trail(small_world: World, line: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.admin, "config:set blog PASSWORD=swordfish1")
    small_world.type(small_world.admin, "config:show blog")
    newest = small_world.call(small_world.admin, "events")[0]
    assert newest.action == "config:set"
    assert "swordfish1" in small_world.type(small_world.admin, line)[1].out
    newest = small_world.call(small_world.admin, "events")[0]
    assert (newest.action, newest.app, newest.actor) == (line.split()[0], "blog", "ana")
    assert "swordfish1" not in repr(newest)


def test_all_variables_are_cleared(world: World) -> None:
    world.type(world.admin, "apps:create blog")
    world.type(world.admin, "config:set blog A=1 B=2")
    assert world.type(world.admin, "config:clear blog --no-restart")[0] == 0
    assert world.type(world.admin, "config:keys blog")[1].out == ""
    assert world.type(world.admin, "config:clear blog")[0] == 0
    world.type(world.admin, "config:set blog A=1 B=2")
    world.deployed("blog")
    world.call(world.admin, "config:clear", app="blog")
    with world.on.database.read() as session:
        assert session.scalars(select(ConfigChange)).one().unset == ["A", "B"]


def test_values_are_revealed_and_cleared_by_those_who_operate_the_app(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    small_world.type(small_world.admin, ["config:set", "blog", "PASSWORD=sword fish"])
    assert small_world.type(small_world.admin, "config:show blog --reveal")[1].out.splitlines()[-1] == (
        "PASSWORD:  sword fish"
    )
    assert small_world.type(small_world.admin, "config:get blog PASSWORD --quoted")[1].out == "'sword fish'\n"
    small_world.grant(small_world.member, "blog", "deploy")
    for line in ("config:show blog --reveal", "config:clear blog"):
        code, screen = small_world.type(small_world.member, line)
        assert code == 1 and "[forbidden]" in screen.err and "sword" not in screen.out
        assert small_world.type(small_world.stranger, line)[0] == 20


@pytest.mark.parametrize("line", ["config:set --global A=1", "config:show --global", "config:keys blog --merged"])
def test_variables_for_all_apps_do_not_exist_and_one_line_says_so(small_world: World, line: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    code, screen = small_world.type(small_world.admin, line)
    assert code == 1 and "variables for all apps do not exist here" in screen.err
