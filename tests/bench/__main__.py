"""`make bench`: what the platform costs over doing it by hand, side by side in one run."""

from __future__ import annotations

import itertools
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psutil

from paas.model import App, Image, Process, Release
from tests.bench.byhand import ByHand
from tests.bench.measure import Pair, median_of, pair, show, show_pair
from tests.journeys.installation import Installation
from tests.journeys.repository import Repository, small_app
from tests.waiting import wait_until

LARGE = 50_000_000
APPS = 500
WRK = ("wrk", "-t2", "-c16", "-d4s")


def main() -> None:
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="paas-bench-", dir="/var/tmp")))
        platform = Installation(folder / "p", drain_timeout="1", reconcile_interval="30", lease="30")
        platform.folder.mkdir()
        ends.callback(platform.remove)
        platform.install()
        hand = ByHand(folder / "hand", platform.key)
        ends.callback(hand.close)
        deploys(platform, hand)
        restarts(platform, hand)
        commands(platform, hand)
        large_push(platform, hand)
        requests(platform, hand)
        memory(platform)
        many_apps(platform)


def deploys(platform: Installation, hand: ByHand) -> None:
    """(a) A code-only change, from `git push` to live."""
    ours, theirs = platform.repository("bench"), hand.repository("bench")
    numbers = itertools.count()

    def push_ours() -> None:
        answer = ours.push("-q", "paas", "main")
        assert answer.returncode == 0, answer.stderr

    ours.commit(small_app("0"))
    theirs.commit(small_app("0"))
    push_ours()
    hand.deploy(theirs)
    taken: list[tuple[float, float]] = []
    for _ in range(8):
        version = f"{next(numbers)}-{secrets.token_hex(4)}"
        ours.commit(small_app(version))
        theirs.commit(small_app(version))
        taken.append((_timed(push_ours), _timed(lambda: hand.deploy(theirs))))
        _quiet(platform)
    measured = sorted(taken[1:])
    middle = Pair(sorted(each[0] for each in measured)[3], sorted(each[1] for each in measured)[3])
    show_pair("(a) code-only push to live", middle, 1.6, 0.8)


def restarts(platform: Installation, hand: ByHand) -> None:
    def ours() -> None:
        answer = platform.ssh("ps:restart", "bench")
        assert answer.returncode == 0, answer.stderr

    show_pair("(a) ps:restart", pair(ours, hand.swap), 1.6)


def commands(platform: Installation, hand: ByHand) -> None:
    """(b) A command's whole time, connection included."""
    platform.ssh("config:set", "--no-restart", "bench", "KEY=value")
    _quiet(platform)
    for words in (("apps:list",), ("config:get", "bench", "KEY"), ("ps:report", "bench"), ("urls", "bench")):

        def ours(words: tuple[str, ...] = words) -> None:
            assert platform.ssh(*words).returncode == 0

        show_pair(f"(b) ssh {' '.join(words)}", pair(ours, hand.ssh_true, runs=15), 1.2)


def large_push(platform: Installation, hand: ByHand) -> None:
    """(c) 50 MB that do not compress, to a branch that is not deployed: receiving alone."""
    ours, theirs = platform.repository("bench"), hand.repository("large")
    ours.git("fetch", "-q", "paas", "main")

    def push(repository: Repository, must_be_refused: bool) -> float:
        repository.git("checkout", "-q", "--orphan", secrets.token_hex(4))
        (repository.folder / "large").write_bytes(os.urandom(LARGE))
        repository.git("add", "large")
        repository.git("commit", "-q", "-m", "large")
        began = time.perf_counter()
        answer = repository.push("paas", "HEAD:refs/heads/large")
        took = time.perf_counter() - began
        assert (answer.returncode != 0) == must_be_refused, answer.stderr
        if not must_be_refused:
            repository.git("push", "-q", "paas", ":refs/heads/large")
        return took

    taken = [(push(ours, True), push(theirs, False)) for _ in range(5)]
    show_pair(
        "(c) pushing 50 MB", Pair(sorted(each[0] for each in taken)[2], sorted(each[1] for each in taken)[2]), 1.5
    )


def requests(platform: Installation, hand: ByHand) -> None:
    """(d) Requests a second through our site against a bare proxy to the same container."""
    address = re.search(r"server (10\.[0-9.]+):5000", _site(platform))
    assert address is not None
    hand._write_site(address[1])
    subprocess.run(["nginx", "-s", "reload", "-c", hand.folder / "nginx.conf"], check=True, capture_output=True)
    time.sleep(1)
    ours, theirs = [], []
    for _ in range(5):
        ours.append(_wrk(platform.http_port, "bench.localhost"))
        theirs.append(_wrk(hand.http_port, "bench.localhost"))
    mine, bare = sorted(ours)[2], sorted(theirs)[2]
    show(
        "(d) requests a second", f"{mine:.0f} against {bare:.0f} = {mine / bare:.2f}x", ">= 0.95x", mine >= 0.95 * bare
    )


def _site(platform: Installation) -> str:
    return "\n".join(path.read_text() for path in (platform.home / "nginx").rglob("app-*.conf"))


def _wrk(port: int, host: str) -> float:
    answer = subprocess.run(
        [*WRK, "-H", f"Host: {host}", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True
    )
    found = re.search(r"Requests/sec:\s+([0-9.]+)", answer.stdout)
    assert found is not None, answer.stdout
    return float(found[1])


def memory(platform: Installation) -> None:
    """(e) Supervisor, web, ssh, worker and nginx when nothing happens."""
    platform.paas("restart")
    platform.ssh("apps:list")
    time.sleep(12)
    pids = [psutil.Process(pid) for pid in _tree(platform)]
    before = sum(sum(process.cpu_times()[:2]) for process in pids)
    time.sleep(20)
    used = (sum(sum(process.cpu_times()[:2]) for process in pids) - before) / 20 * 100
    total = sum(_pss(process.pid) for process in pids) / 2**20
    show("(e) memory, sum of PSS", f"{total:.0f} MiB", "<= 220 MiB (aim 160)", total <= 220)
    show("(e) CPU when idle", f"{used:.2f} %", "< 1 %", used < 1)


def _tree(platform: Installation) -> set[int]:
    found: set[int] = set()
    for pid in platform.pids().values():
        found |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    return found


def _pss(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024  # type: ignore[index] # it is always there


def many_apps(platform: Installation) -> None:
    """(f) With 500 recorded apps: the list, and one reconcile pass."""
    now = datetime.now(UTC)
    with platform.database.write() as session:
        for number in range(APPS):
            app_id = f"zz{number:06d}"
            session.add(App(id=app_id, name=f"recorded-{number}", created_at=now, last_version=1, is_stopped=True))
            image = Image(
                app_id=app_id, job_id=-number - 1, docker_id="sha256:0", tag="none", builder="dockerfile", size=1,
                exposed_port=None, created_at=now, removed_at=None,
            )  # fmt: skip
            session.add(image)
            session.flush()
            release = Release(
                app_id=app_id, version=1, status="current", cause="deploy", description="", image_id=image.id,
                sealed_config=b"", processes={"web": None}, manifest={}, port=5000, created_by="bench", created_at=now,
            )  # fmt: skip
            session.add(release)
            session.flush()
            session.get(App, app_id).current_release_id = release.id
    platform.ssh("apps:list")
    took = median_of(lambda: platform.ssh("apps:list"))
    show(f"(f) apps:list with {APPS} apps", f"{took * 1000:.0f} ms", "< 300 ms", took < 0.3)
    middle = reconcile_pass(platform)
    show(f"(f) reconcile pass with {APPS} apps", f"{middle:.2f} s", "< 2 s", middle < 2)


RECONCILE = """
import statistics, time
from app import worker_platform
from paas.flows.reconcile import reconcile
from paas.settings import read_settings

on = worker_platform(read_settings())
reconcile(on)
taken = []
for _ in range(5):
    began = time.perf_counter()
    reconcile(on)
    taken.append(time.perf_counter() - began)
print(statistics.median(taken))
"""


def reconcile_pass(platform: Installation) -> float:
    """Seconds of one pass, in a process made of the worker's parts, while the worker itself is down."""
    platform.paas("down", "--keep-nginx")
    command = [sys.executable, "-c", RECONCILE]
    environment = platform.environment
    return float(subprocess.run(command, cwd=platform.root, env=environment, stdout=subprocess.PIPE, check=True).stdout)


def _timed(deed: object) -> float:
    began = time.perf_counter()
    deed()  # type: ignore[operator] # a callable without arguments
    return time.perf_counter() - began


def _quiet(platform: Installation) -> None:
    """Wait until the copies of the release before are gone."""

    def is_quiet() -> bool:
        with platform.database.read() as session:
            return session.query(Process).filter(Process.state != "live").count() == 0

    wait_until(is_quiet, 40, "the old copies' end")


if __name__ == "__main__":
    main()
