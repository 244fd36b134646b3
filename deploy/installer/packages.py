"""Which Debian packages are missing, and how are they installed without starting anything?"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from installer.steps import run

ALWAYS = (
    "ca-certificates",
    "curl",
    "debian-archive-keyring",  # Ubuntu: signatures of the Debian packages that base images are made of
    "git",
    "iproute2",
    "iptables",
    "mmdebstrap",
    "nginx",
    "openssh-client",
    "procps",
    "python3-venv",
)
ENGINE = ("docker.io",)
ENGINE_PARTS = ("docker-cli", "docker-buildx")  # packages of their own on Debian 13 and Ubuntu 24.04
POLICY = Path("/usr/sbin/policy-rc.d")
HINT = "look at /var/log/paas-install.log and at `apt-get update`, then run it again"


def missing_packages(others: Sequence[str] = ()) -> list[str]:
    """Packages to install; empty on a machine that has all. `others`: wanted besides what the platform needs."""
    wanted = [*ALWAYS, *others]
    if shutil.which("dockerd") is None and not Path("/var/run/docker.sock").exists():
        wanted += ENGINE
    installed = _installed()
    return [name for name in wanted if name not in installed]


def install_packages(names: Sequence[str]) -> None:
    """Install them; no service starts by itself, and nginx's own stays off."""
    if not names:
        return
    if not os.environ.get("INSTALL_LISTS_ARE_FRESH"):
        run(["apt-get", "update", "-qq"], HINT, environment=_apt_environment())
    wanted = list(names)
    if "docker.io" in wanted:
        wanted += [name for name in ENGINE_PARTS if _is_known(name)]
    with _nothing_starts():
        run(
            [
                "apt-get", "install", "-y", "-qq", "--no-install-recommends",
                "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-unsafe-io",
                *wanted,
            ],
            HINT,
            environment=_apt_environment(),
        )  # fmt: skip
    if "nginx" in wanted and has_systemd():
        run(["systemctl", "disable", "--now", "nginx"], "disable nginx's own service by hand: paas runs one")


def has_systemd() -> bool:
    """sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


def _apt_environment() -> dict[str, str]:
    return {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "LC_ALL": "C.UTF-8"}


def _installed() -> set[str]:
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n"], capture_output=True, text=True, check=True
    )
    return {line.split()[-1] for line in answer.stdout.splitlines() if line.startswith("ii")}


def _is_known(name: str) -> bool:
    answer = subprocess.run(["apt-cache", "show", name], capture_output=True, check=False)
    return answer.returncode == 0


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """A policy that forbids maintainer scripts to start services (invoke-rc.d(8)); an existing policy is respected."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
