import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from paas.adapters.lifecycle import down, make_plan, restart, stop_supervisor, up, want_set_up
from paas.adapters.processes import status, supervisor_pid
from paas.adapters.supervisor import take_lock, write_file
from paas.errors import ConflictError, UnavailableError
from paas.rules.supervision import is_forked
from paas.settings import Settings
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the platform is started by root")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def settings(tmp_path):
    for name in ("run", "nginx", "logs"):
        (tmp_path / name).mkdir()
    return Settings(home=tmp_path, http_port=free_port(), https_port=free_port(), ssh_port=free_port())


def test_nothing_starts_before_setup(tmp_path):
    with pytest.raises(UnavailableError) as refusal:
        want_set_up(Settings(home=tmp_path / "nowhere"))
    assert refusal.value.code == "not-set-up"


def test_a_taken_port_is_named_with_its_setting(settings):
    with closing(socket.socket()) as other:
        other.bind(("0.0.0.0", settings.ssh_port))
        other.listen()
        with pytest.raises(ConflictError) as refusal:
            up(settings)
    assert refusal.value.code == "port-taken"
    assert "PAAS_SSH_PORT" in refusal.value.hint


def families():
    """What this machine can be asked to listen on: containers often have no IPv6 at all."""
    yield "0.0.0.0", socket.AF_INET
    with closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return
    yield from (("::", socket.AF_INET), ("::", socket.AF_INET6), ("::1", socket.AF_INET6))


@pytest.mark.parametrize(("bind", "family"), list(families()))
def test_a_taken_port_is_found_in_both_families(settings, bind, family):
    with closing(socket.socket(family)) as other:
        other.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", settings.ssh_port))
        other.listen()
        with pytest.raises(ConflictError, match=f"Port {settings.ssh_port} is taken"):
            up(settings.model_copy(update={"bind": bind}))


def test_programs_of_root_are_found_whatever_path_paas_was_started_with(settings, monkeypatch):
    """`su` without a dash leaves /usr/sbin out on Debian: iptables, nginx and useradd lie there."""
    monkeypatch.setenv("PATH", "/opt/mine")
    assert dict(make_plan(settings).environment)["PATH"].split(":")[:1] == ["/opt/mine"]
    assert "/usr/sbin" in dict(make_plan(settings).environment)["PATH"].split(":")


def test_a_second_up_is_refused(settings):
    holder = hold_lock(settings)
    try:
        assert supervisor_pid(settings) == holder.pid
        with pytest.raises(ConflictError) as refusal:
            up(settings)
        assert refusal.value.code == "already-up"
    finally:
        holder.kill()
        holder.communicate()
    assert supervisor_pid(settings) is None


def hold_lock(settings: Settings) -> subprocess.Popen:
    """A process that looks like a supervisor."""
    run = settings.folder("run")
    script = (
        "import os, sys, time; from pathlib import Path; from paas.adapters.supervisor import take_lock, write_file; "
        f"lock = take_lock(Path({str(run / 'supervisor.lock')!r})); "
        f"write_file(Path({str(run / 'supervisor.json')!r}), '{{\"pid\": %d}}' % os.getpid(), 0o644); "
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    return holder


def test_down_and_restart_say_that_nothing_runs(settings):
    assert not down(settings)
    assert not stop_supervisor(settings)
    with pytest.raises(ConflictError) as refusal:
        restart(settings)
    assert refusal.value.code == "not-up"


def test_down_ends_a_supervisor(settings):
    holder = hold_lock(settings)
    with closing(holder.stdout):
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        assert stop_supervisor(settings)
        holder.wait(PATIENCE)


def test_status_of_what_never_ran(settings):
    lines = status(settings)
    assert [line.name for line in lines] == ["supervisor", "worker", "ssh", "web", "nginx"]
    assert {line.state for line in lines} == {"stopped"} and not any(line.pss for line in lines)


def test_status_counts_the_memory_of_a_supervisor(settings):
    lock = take_lock(settings.folder("run", "supervisor.lock"))
    write_file(settings.folder("run", "supervisor.json"), f'{{"pid": {os.getpid()}, "state": "running"}}', 0o644)
    try:
        (supervisor, *_) = status(settings)
        assert supervisor.pid == os.getpid() and supervisor.pss > 1_000_000
    finally:
        os.close(lock)


def test_the_doors_lose_root_and_the_worker_keeps_it(settings):
    plan = make_plan(settings)
    users = {child.name: child.user for child in plan.children}
    assert users == {"worker": "", "ssh": settings.ssh_user, "web": settings.web_user}
    assert all(is_forked(plan, child) for child in plan.children)


def test_ssh_below_1024_is_started_by_setpriv_which_can_hand_on_the_right(tmp_path):
    plan = make_plan(Settings(home=tmp_path, ssh_port=22))
    assert {child.name for child in plan.children if not is_forked(plan, child)} == {"ssh"}


def test_no_variable_of_the_caller_s_shell_reaches_the_processes(settings, monkeypatch):
    monkeypatch.setenv("LD_PRELOAD_LIKE", "x")
    monkeypatch.setenv("PAAS_DOMAIN", "example.com")
    names = {name for name, _ in make_plan(settings).environment}
    assert "LD_PRELOAD_LIKE" not in names and "PAAS_DOMAIN" in names
