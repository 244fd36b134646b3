import json

import pytest

from paas.rules.supervision import ChildPlan, SupervisorPlan, command_of, next_delay, stop_order


@pytest.mark.parametrize(
    ("uptime", "previous", "wanted"),
    [
        (0.0, 0.0, 0.1),
        (0.5, 0.1, 0.2),
        (0.5, 0.2, 0.4),
        (1.0, 20.0, 30.0),
        (9.9, 30.0, 30.0),
        (10.0, 30.0, 0.1),
        (3600.0, 6.4, 0.1),
    ],
)
def test_a_process_that_keeps_dying_is_started_less_and_less_often(uptime, previous, wanted):
    assert next_delay(uptime, previous) == pytest.approx(wanted)


def test_the_longest_wait_can_be_set():
    assert next_delay(0.5, 0.2, longest=0.3) == pytest.approx(0.3)
    assert next_delay(0.5, 0.0, longest=0.0) == 0.0


def test_root_children_only_ask_for_the_death_signal():
    assert command_of(ChildPlan("worker", ("paas", "child", "worker"))) == [
        "setpriv", "--pdeathsig", "TERM", "--", "paas", "child", "worker",
    ]  # fmt: skip


def test_other_children_lose_every_group_that_is_not_named():
    words = command_of(ChildPlan("ssh", ("x",), user="paas-ssh"))
    assert words[words.index("--reuid") + 1] == "paas-ssh"
    assert words[words.index("--regid") + 1] == "paas-ssh"
    assert "--clear-groups" in words
    assert "--no-new-privs" in words


def test_only_a_low_port_gives_the_right_to_bind_it():
    assert "--ambient-caps" not in command_of(ChildPlan("ssh", ("x",), user="paas-ssh"))
    assert "--ambient-caps" in command_of(ChildPlan("ssh", ("x",), user="paas-ssh", may_bind_low_ports=True))


def test_doors_close_before_the_worker():
    assert stop_order(["worker", "ssh", "web"]) == ["web", "ssh", "worker"]


def test_a_plan_survives_its_file():
    plan = SupervisorPlan(
        python="/usr/bin/python3",
        root="/opt",
        lock_file="/l",
        state_file="/s",
        log_file="/log",
        log_limit=1,
        sqlite="",
        nursery_command=("true",),
        nginx_pid_file="/p",
        nginx_command=("true",),
        replan_command=("paas", "plan"),
        environment=(("PATH", "/bin"),),
        children=(ChildPlan("web", ("sleep", "1"), user="nobody", groups=("a", "b")),),
    )
    assert SupervisorPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
