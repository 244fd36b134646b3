"""What must a machine hold before the tests run, and how is it made so? Standard library and deploy/installer only.

Everything of the tests lives in folders of its own (/opt/paas-tests, /var/lib/paas-tests), listens on ports that the
kernel gives, and carries installation ids that begin with `t-`. What a killed run left behind is removed first.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from installer.engine import start_engine
from installer.packages import install_packages, missing_packages
from installer.release import find_uv, sync
from installer.steps import InstallError, Steps, fail, run

from tests.postgres import postgres

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path("/opt/paas-tests")  # environment and caches; kept between runs
PLACE = Path("/var/lib/paas-tests")  # what tests write
PYTHON = TOOLS / "venv" / "bin" / "python"
PACKAGES = (
    "apache2-utils",
    "chromium",
    "fonts-dejavu-core",
    "libatomic1",  # of the node that playwright brings
    "make",
    "openssh-server",
    "postgresql",
    "sqlite3",
    "wrk",
)
TEST_INSTALLATIONS = "t-"  # ids of tests begin so
TEST_CHAIN = re.compile(r"PAAS-[A-Z]+-t-[a-z0-9-]+")
TEST_IMAGE = "debian-test:bookworm"
REMOVE = {"container": ("rm", "-fv"), "network": ("network", "rm"), "image": ("image", "rm", "-f")}
DOCKER_HOST = "unix:///var/run/docker.sock"
NOT_FOR_TESTS = ("PAAS_", "INSTALL_", "PYTHON")  # variables of the machine's own installation, and of with-python
HINT = "look at /var/log/paas-install.log, then run it again"


def main(words: list[str]) -> int:
    story = f"tests/{words[0]}"
    steps = Steps()
    try:
        PLACE.mkdir(parents=True, exist_ok=True)
        PLACE.chmod(0o755)
        with _alone(), contextlib.ExitStack() as ends:
            prepare(steps)
            if words[0] == "setup":
                return 0
            url = ends.enter_context(postgres(PLACE / "postgres"))
            ends.callback(clean_up)
            return _pytest(url, words[1:])
    except InstallError as failure:
        return fail(story, failure)


def prepare(steps: Steps) -> None:
    with steps.step("Debian packages"):
        install_packages(missing_packages(PACKAGES))
    environment = steps.beside("Python packages from the lock file", make_environment)
    with steps.step("Docker Engine"):
        steps.say(start_engine(DOCKER_HOST))
    with steps.step("Removing what a killed run left"):
        clean_up()
    with steps.step(f"Image {TEST_IMAGE}"):
        make_test_image()
    environment.result()


def make_environment() -> None:
    """Anew when the lock changed; the tests' own part of the lock included."""
    stamp = TOOLS / "lock"
    digest = hashlib.sha256((ROOT / "uv.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    uv = find_uv(TOOLS / "tools")
    sync(uv, ROOT, TOOLS / "venv", TOOLS / "cache", "--group", "test")
    stamp.write_text(digest)


def make_test_image() -> None:
    """A Debian with CA certificates: what tests build on where no registry answers."""
    docker = docker_cli()
    if subprocess.run([docker, "image", "inspect", TEST_IMAGE], capture_output=True, check=False).returncode == 0:
        return
    archive = PLACE / "image.tar"
    run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", "bookworm", str(archive)], HINT)
    run([docker, "import", str(archive), TEST_IMAGE], HINT)
    archive.unlink()


def docker_cli() -> str:
    """Debian's own client: another one in PATH may not know this engine's BuildKit."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"


# --- Cleaning up ------------------------------------------------------------------------------------------------------
def clean_up() -> None:
    """Processes that work in the tests' folder, and Docker's things with a test's installation id. Nobody else's."""
    for pid in _leftover_processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for kind, remove in REMOVE.items():
        for name in _labelled(kind):
            subprocess.run([docker_cli(), *remove, name], capture_output=True, check=False)
    _remove_chains()


def _remove_chains() -> None:
    """The firewall of killed test installations: their rules would refuse what a later one's address pool needs."""
    for program in ("iptables", "ip6tables"):
        listed = subprocess.run([program, "-w", "-S"], capture_output=True, text=True, check=False)
        rules = [shlex.split(line) for line in listed.stdout.splitlines()]
        chains = [words[1] for words in rules if words[0] == "-N" and TEST_CHAIN.fullmatch(words[1])]
        jumps = [words for words in rules if words[0] == "-A" and words[1] not in chains and words[-1] in chains]
        for words in (
            *(["-D", *jump[1:]] for jump in jumps),
            *(["-F", chain] for chain in chains),
            *(["-X", chain] for chain in chains),
        ):
            subprocess.run([program, "-w", *words], capture_output=True, check=False)


def _leftover_processes() -> Iterator[int]:
    place = str(PLACE).encode()
    mine = {os.getpid(), os.getppid()}
    namespace = Path("/proc/self/ns/pid").readlink()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in mine:
            continue
        with contextlib.suppress(OSError):
            if (entry / "ns/pid").readlink() != namespace:
                continue  # of a container, which has folders of its own of these names
            words = (entry / "cmdline").read_bytes()
            folder = os.fsencode((entry / "cwd").readlink())
            if (place + b"/t/") in words or (folder + b"/").startswith(place + b"/t/"):
                yield int(entry.name)


def _labelled(kind: str) -> list[str]:
    """Ids of the containers, networks or images of tests."""
    listing = {"container": ("ps", "-a"), "network": ("network", "ls"), "image": ("image", "ls")}[kind]
    ids = run([docker_cli(), *listing, "-q", "--no-trunc", "--filter", "label=paas.installation"], HINT).split()
    if not ids:
        return []
    inspected = json.loads(run([docker_cli(), kind, "inspect", *set(ids)], HINT))
    return [one["Id"] for one in inspected if _installation(one).startswith(TEST_INSTALLATIONS)]


def _installation(inspected: dict) -> str:
    labels = inspected.get("Labels") or (inspected.get("Config") or {}).get("Labels") or {}
    return str(labels.get("paas.installation", ""))


# --- Running ----------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One run at a time: the next would remove this one's things."""
    with (PLACE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstallError("Another run of the tests goes on", "wait for it, or end it") from None
        yield


def _pytest(postgres_url: str, words: list[str]) -> int:
    temporary = PLACE / "t"
    strict = ["-p", "tests.strict"] if _is_reference_machine() else []
    command = [str(PYTHON), "-m", "pytest", f"--basetemp={temporary}", *strict, *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_FOR_TESTS)}
    sys.stdout.flush()
    environment = {**kept, "TEST_POSTGRES_URL": postgres_url, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _is_reference_machine() -> bool:
    """Debian 12, as root: there every part can be tested."""
    facts = platform.freedesktop_os_release()
    return os.geteuid() == 0 and facts.get("ID") == "debian" and facts.get("VERSION_ID") == "12"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
