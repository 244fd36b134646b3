"""What may a container do, and who suffers when one takes all it can get? Nobody but its own app.

Attack: a tenant's container tries what only root of the host may do, forks, eats memory, prints without end; a build
takes more memory than the machine's owner allows.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from paas.rules import hardening
from tests.attacks.town import Two, two_tenants
from tests.journeys.installation import Installation
from tests.journeys.prober import Prober
from tests.waiting import wait_until


@pytest.fixture
def two(shared: Installation) -> Two:
    return two_tenants(shared)


ALLOWED = sum(1 << number for number in (0, 1, 3, 5, 6, 7, 10))  # capabilities(7), in the order of KEPT_CAPABILITIES


def test_a_container_may_do_little(two: Two) -> None:
    assert len(hardening.KEPT_CAPABILITIES) == ALLOWED.bit_count()
    for words in (["run", "beta"], ["enter", "beta", "web.1"]):
        status = two.bea.ssh(*words, "cat", "/proc/self/status")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert facts["NoNewPrivs"] == "1"
        assert facts["Seccomp"] == "2"
        for kind in ("CapBnd", "CapEff", "CapPrm"):
            assert int(facts[kind], 16) & ~ALLOWED == 0, kind
    host = two.bea.container["HostConfig"]
    assert not host["Privileged"] and not host["Binds"] and not host.get("Mounts") and not host["Devices"]
    assert host["PidMode"] == "" and host["IpcMode"] == "private" and host["UsernsMode"] == ""
    assert host["Memory"] == 512_000_000 and host["MemorySwap"] == 512_000_000 and host["PidsLimit"] == 512


def test_what_only_root_may_do_fails_inside(two: Two) -> None:
    tries = {
        "mount": "mount -t tmpfs none /mnt", "device": "mknod /d b 8 0", "chroot": "chroot / true",
        "clock": "date -s 2001-01-01", "host name": "hostname pwned", "kernel": "echo 1 > /proc/sys/kernel/panic",
        "trigger": "echo b > /proc/sysrq-trigger", "memory": "head -c 1 /dev/mem", "docker": "ls /var/run/docker.sock",
        "socket": "ls -d /var/lib/paas /run/paas* /home/paas*",
    }  # fmt: skip
    script = "; ".join(f"({line}) >/dev/null 2>&1 && echo 'HELD {name}'" for name, line in tries.items())
    assert "HELD" not in two.bea.run("sh", "-c", script + "; true")


def test_only_web_is_told_a_port(two: Two) -> None:
    assert "PORT=5000" in two.bea.ssh("enter", "beta", "web.1", "env")
    assert "PORT=" not in two.bea.run("env")


FORK_BOMB = """
import os, time
count = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        count += 1
except OSError:
    print("FORKED", count)
"""


def test_a_fork_bomb_hurts_nobody_else(two: Two) -> None:
    with Prober(two.on.http_port, "alpha.localhost") as prober:
        said = two.bea.run("python3", "-c", FORK_BOMB)
    forked = re.search(r"FORKED (\d+)", said)
    assert forked and int(forked[1]) <= 512, said
    assert prober.failures == [] and prober.count > 5


def test_a_container_that_takes_too_much_memory_is_alone_with_it(two: Two) -> None:
    with Prober(two.on.http_port, "alpha.localhost") as prober:
        answer = two.on.ssh("run", "beta", "python3", "-c", shlex.quote("bytearray(2000000000)"), user="owner-beta")
    assert answer.returncode in (1, 137)  # MemoryError, or killed
    assert prober.failures == []


FLOOD = "import sys\nwhile True: sys.stdout.write('x' * 1000 + chr(10))\n"


def test_endless_output_fills_no_disk(two: Two) -> None:
    """Docker keeps 60 MB of a container's output, the platform 60 MB of a process's (10 MB, and five rotated files)."""
    two.bea.repository.commit(
        two.bea.files() | {"Procfile": "web: python3 -u server.py\nflood: python3 flood.py\n", "flood.py": FLOOD}
    )
    assert two.bea.repository.push("-f", "paas", "main").returncode == 0
    folder = two.on.home / "logs" / two.on.app("beta").id
    with Prober(two.on.http_port, "alpha.localhost") as prober:
        two.bea.ssh("ps:scale", "beta", "flood=1")
        wait_until(lambda: size_of(folder) > 20_000_000, what="a flood of lines")
        two.bea.ssh("ps:scale", "beta", "flood=0")
    assert prober.failures == []
    assert size_of(folder) < 80_000_000


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_build_that_takes_4_gb_is_named_while_apps_serve(two: Two) -> None:
    with Prober(two.on.http_port, "alpha.localhost") as prober:
        said = two.bea.push('RUN ["python3", "-c", "x = [b\'x\' * 100000000 for _ in range(40)]"]')
    assert "out of memory" in said.lower() and "[out-of-memory]" in said, said
    assert prober.failures == [] and prober.count > 5
    assert two.on.get("beta") == (200, "beta")
