"""The supervisor as a real process, with children that are real processes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paas.adapters.supervisor import ALREADY_RUNNING, take_lock, trim_log
from paas.rules.supervision import ChildPlan, SupervisorPlan
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = ("sleep", "600")


def make_plan(folder: Path, **changes) -> SupervisorPlan:
    plan = {
        "python": sys.executable,
        "root": str(ROOT),
        "lock_file": str(folder / "lock"),
        "state_file": str(folder / "state.json"),
        "log_file": str(folder / "platform.log"),
        "log_limit": 1_000_000,
        "sqlite": "",
        "nursery_command": (),
        "nginx_pid_file": str(folder / "nginx.pid"),
        "nginx_command": ("true",),
        "replan_command": ("cat", str(folder / "next.json")),
        "environment": (("PATH", os.environ["PATH"]),),
        "children": (ChildPlan("one", SLEEPER), ChildPlan("two", SLEEPER)),
    }
    return SupervisorPlan(**{**plan, **changes})


@pytest.fixture
def start(tmp_path):
    started = []

    def _start(**changes) -> subprocess.Popen:
        plan = tmp_path / "plan.json"
        plan.write_text(json.dumps(make_plan(tmp_path, **changes).to_json()))
        process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-m", "paas.adapters.supervisor", str(plan)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.terminate()
        process.wait(PATIENCE)
        process.stderr.close()


def state(folder: Path) -> dict:
    return json.loads((folder / "state.json").read_text())


def pids(folder: Path) -> dict[str, int]:
    return {child["name"]: child["pid"] for child in state(folder)["children"] if child["pid"]}


def until(answer):
    """The first true answer; what is read may not be there yet."""

    def found():
        try:
            return answer()
        except (FileNotFoundError, ValueError):
            return None

    return wait_until(found)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_killed_child_is_back_at_once(start, tmp_path):
    start()
    before = until(lambda: len(pids(tmp_path)) == 2 and pids(tmp_path))
    os.kill(before["one"], signal.SIGKILL)
    after = until(lambda: pids(tmp_path).get("one") not in (None, before["one"]) and pids(tmp_path))
    assert after["two"] == before["two"]


def test_children_die_with_a_killed_supervisor(start, tmp_path):
    process = start()
    children = until(lambda: len(pids(tmp_path)) == 2 and pids(tmp_path))
    process.kill()
    process.wait(PATIENCE)
    until(lambda: not any(is_alive(pid) for pid in children.values()))


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user needs root")
def test_the_death_signal_survives_the_change_of_user(start, tmp_path):
    process = start(children=(ChildPlan("low", SLEEPER, user="nobody", group="nogroup"),))
    (pid,) = until(lambda: pids(tmp_path)).values()
    until(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    assert Path(f"/proc/{pid}").stat().st_uid == 65534
    process.kill()
    process.wait(PATIENCE)
    until(lambda: not is_alive(pid))


def test_sigterm_ends_children_and_kills_the_deaf(start, tmp_path):
    ready = tmp_path / "ready"
    deaf = ("sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 0.1; done")
    process = start(children=(ChildPlan("deaf", deaf, stop_timeout=0.2), ChildPlan("two", SLEEPER)))
    children = until(lambda: len(pids(tmp_path)) == 2 and ready.exists() and pids(tmp_path))
    process.terminate()
    assert process.wait(PATIENCE) == 0
    assert not any(is_alive(pid) for pid in children.values())
    assert state(tmp_path)["state"] == "stopped"


def test_a_second_one_is_refused_in_one_line(start, tmp_path):
    start()
    until(lambda: pids(tmp_path))
    second = start()
    assert second.wait(PATIENCE) == ALREADY_RUNNING
    assert second.stderr.read() == "paas is already up (paas status shows it, paas down stops it)\n"


def test_sighup_turns_it_into_the_installed_release_under_the_same_pid_and_lock(start, tmp_path):
    process = start()
    before = until(lambda: len(pids(tmp_path)) == 2 and pids(tmp_path))
    upgraded = make_plan(tmp_path, children=(ChildPlan("three", SLEEPER),))
    (tmp_path / "next.json").write_text(json.dumps(upgraded.to_json()))
    process.send_signal(signal.SIGHUP)
    until(lambda: "three" in pids(tmp_path))
    assert state(tmp_path)["pid"] == process.pid
    assert not any(is_alive(pid) for pid in before.values())
    assert start().wait(PATIENCE) == ALREADY_RUNNING


def test_a_release_that_does_not_start_changes_nothing(start, tmp_path):
    process = start(replan_command=("sh", "-c", "echo 'Setting domain: wrong' >&2; exit 1"))
    before = until(lambda: len(pids(tmp_path)) == 2 and pids(tmp_path))
    process.send_signal(signal.SIGHUP)
    while "restart refused" not in (line := process.stderr.readline()):
        assert line
    assert "Setting domain: wrong" in line
    assert pids(tmp_path) == before and all(is_alive(pid) for pid in before.values())


def test_nginx_is_started_when_its_pid_file_names_nobody(start, tmp_path):
    start(nginx_command=("touch", str(tmp_path / "nginx-was-started")), children=())
    until(lambda: (tmp_path / "nginx-was-started").exists())


def test_the_database_is_held_open_by_root(start, tmp_path):
    database = tmp_path / "paas.db"
    sqlite3.connect(database).close()
    process = start(sqlite=str(database))
    until(lambda: (tmp_path / "paas.db-shm").exists())
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    assert (tmp_path / "paas.db-wal").exists() and process.poll() is None


# --- Forked from the nursery ------------------------------------------------------------------------------------------
NURSERY = (
    sys.executable,
    "-c",
    f"import sys, time; sys.path.insert(0, {str(ROOT)!r}); from paas.adapters.nursery import serve; "
    "serve(lambda name: sys.exit(3) if name == 'short' else time.sleep(600))",
)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_forked_children_belong_to_the_supervisor_and_die_with_it(start, tmp_path):
    process = start(nursery_command=NURSERY)
    children = until(lambda: len(pids(tmp_path)) == 2 and pids(tmp_path))
    until(lambda: {parent_of(pid) for pid in children.values()} == {process.pid})
    until(lambda: Path(f"/proc/{children['one']}/cmdline").read_bytes().startswith(b"paas one"))
    process.kill()
    process.wait(PATIENCE)
    until(lambda: not any(is_alive(pid) for pid in [*children.values(), state(tmp_path)["nursery"]]))


def test_forked_children_outlive_the_nursery_and_come_back_from_a_new_one(start, tmp_path):
    start(nursery_command=NURSERY)
    before = until(lambda: len(pids(tmp_path)) == 2 and pids(tmp_path))
    os.kill(state(tmp_path)["nursery"], signal.SIGKILL)
    time.sleep(0.1)
    assert all(is_alive(pid) for pid in before.values())
    os.kill(before["one"], signal.SIGKILL)
    after = until(lambda: pids(tmp_path).get("one") not in (None, before["one"]) and pids(tmp_path))
    assert after["two"] == before["two"]


def test_the_end_of_a_forked_child_is_told_with_its_exit_code(start, tmp_path):
    process = start(nursery_command=NURSERY, children=(ChildPlan("short", ("none",)),))
    while "short ended" not in (line := process.stderr.readline()):
        assert line
    assert "exit code 3" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the user needs root")
def test_a_forked_child_changes_its_user_and_gains_no_privileges(start, tmp_path):
    child = ChildPlan("low", ("none",), user="nobody", group="nogroup", groups=("www-data",))
    process = start(nursery_command=NURSERY, children=(child,))
    (pid,) = until(lambda: pids(tmp_path)).values()
    until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"paas low"))
    facts = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    assert facts["Uid"].split() == ["65534"] * 4 and facts["Gid"].split() == ["65534"] * 4
    assert facts["Groups"].split() == ["33"] and facts["NoNewPrivs"] == "1" and int(facts["CapEff"], 16) == 0
    process.kill()
    process.wait(PATIENCE)
    until(lambda: not is_alive(pid))


def test_a_grown_log_is_kept_once_and_emptied(tmp_path):
    log = tmp_path / "platform.log"
    log.write_text("x" * 100)
    trim_log(log, 200)
    assert log.stat().st_size == 100
    trim_log(log, 50)
    assert log.stat().st_size == 0
    assert (tmp_path / "platform.log.1").read_text() == "x" * 100


def test_the_lock_is_taken_once(tmp_path):
    lock = take_lock(tmp_path / "lock")
    assert lock is not None
    held = subprocess.run(["flock", "--nonblock", str(tmp_path / "lock"), "true"], check=False)
    os.close(lock)
    assert held.returncode == 1
