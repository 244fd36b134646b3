"""How does a checkout become an installed release, and which releases stay?

`releases/<version>-<commit>/` holds the source tree and its own virtual environment, made by the system's Python from
the lock file (a Python in somebody's home folder cannot be read by the platform's users). `current` points at the
release in use and is switched in one step.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from installer.steps import InstallError, run
from installer.wishes import Wishes

PYTHON = "/usr/bin/python3"
RELEASES_KEPT = 3
COMPLETE = ".complete"
NETWORK_HINT = "PyPI must be reachable (set SSL_CERT_FILE or https_proxy where needed); then run it again"


@dataclass(frozen=True)
class Release:
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def paas(self) -> str:
        """This release's own `paas`, whatever `current` points at."""
        return str(self.folder / "venv" / "bin" / "paas")

    def is_complete(self) -> bool:
        return (self.folder / COMPLETE).exists()


def release_of(checkout: Path, wishes: Wishes) -> Release:
    """The release that this checkout is or becomes."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    return Release(wishes.prefix / "releases" / f"{project['version']}-{_identity(checkout)}")


def current_release(wishes: Wishes) -> Release | None:
    link = wishes.prefix / "current"
    return Release(link.resolve()) if link.is_symlink() and link.resolve().is_dir() else None


def install_release(checkout: Path, release: Release, wishes: Wishes) -> None:
    """Copy the tree, make its environment, compile it. What was left half done is made anew."""
    if release.is_complete():
        return
    shutil.rmtree(release.folder, ignore_errors=True)
    release.folder.mkdir(parents=True)
    for name in _tracked_files(checkout):
        _copy_file(checkout / name, release.folder / name)
    _make_environment(release, wishes)
    run([PYTHON, "-m", "compileall", "-q", "-j0", str(release.folder / "paas"), str(release.folder / "app.py")],
        "look at /var/log/paas-install.log")  # fmt: skip
    (release.folder / COMPLETE).touch()


def switch_to(release: Release, wishes: Wishes) -> None:
    """Point `current` at a release in one step, and `paas` at `current`."""
    fresh = wishes.prefix / ".current"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(release.folder)
    fresh.replace(wishes.prefix / "current")
    wishes.wrapper.parent.mkdir(parents=True, exist_ok=True)
    config = f': "${{PAAS_CONFIG:={wishes.config}}}"\nexport PAAS_CONFIG\n'
    wishes.wrapper.write_text(f'#!/bin/sh\n{config}exec {wishes.prefix}/current/venv/bin/paas "$@"\n')
    wishes.wrapper.chmod(0o755)


def remove_old_releases(wishes: Wishes) -> None:
    """Keep the one in use and the newest others."""
    current = current_release(wishes)
    folders = sorted((wishes.prefix / "releases").iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    others = [folder for folder in folders if current is None or folder != current.folder]
    for folder in others[RELEASES_KEPT - 1 :]:
        shutil.rmtree(folder)


def _make_environment(release: Release, wishes: Wishes) -> None:
    environment = release.folder / "venv"
    uv = find_uv(wishes.prefix / "tools")
    run([PYTHON, "-m", "venv", "--without-pip", str(environment)], "install python3-venv, then run it again")
    sync(uv, release.folder, environment, wishes.prefix / "cache", "--no-dev", "--compile-bytecode")
    site_packages = next((environment / "lib").glob("python3*/site-packages"))
    (site_packages / "paas-release.pth").write_text(f"{release.folder}\n")
    script = Path(release.paas)
    script.write_text(f"#!{environment}/bin/python -Es\nimport sys\n\nfrom app import main\n\nsys.exit(main())\n")
    script.chmod(0o755)


def find_uv(tools: Path) -> str:
    """uv in an environment of its own: it reads the lock file and installs in seconds."""
    uv = tools / "bin" / "uv"
    if not uv.exists():
        shutil.rmtree(tools, ignore_errors=True)
        run([PYTHON, "-m", "venv", str(tools)], "install python3-venv, then run it again")
        run([str(tools / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "uv"], NETWORK_HINT)
    return str(uv)


def sync(uv: str, checkout: Path, environment: Path, cache: Path, *options: str) -> None:
    """Fill an environment with exactly what the lock file says."""
    run(
        [uv, "sync", "--frozen", "--python", PYTHON, *options],
        NETWORK_HINT,
        cwd=checkout,
        environment={
            "UV_PROJECT_ENVIRONMENT": str(environment),
            "UV_CACHE_DIR": str(cache),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
        },
    )


def _identity(checkout: Path) -> str:
    """The commit, or a digest of the files when they are not exactly that commit."""
    if (checkout / ".git").exists() and not _git(checkout, "status", "--porcelain").strip():
        return _git(checkout, "rev-parse", "--short=8", "HEAD").strip()
    digest = hashlib.sha256()
    for name in _tracked_files(checkout):
        digest.update(name.encode() + b"\0" + (checkout / name).read_bytes())
    return digest.hexdigest()[:8]


def _tracked_files(checkout: Path) -> list[str]:
    if (checkout / ".git").exists():
        listed = _git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        return sorted(name for name in listed if name and (checkout / name).is_file())
    found = (path.relative_to(checkout) for path in checkout.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if "__pycache__" not in path.parts and "venv" not in path.parts)


def _git(checkout: Path, *words: str) -> str:
    """The checkout may belong to the user who typed sudo."""
    command = ["git", "-c", f"safe.directory={checkout}", "-C", str(checkout), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        raise InstallError(f"git {words[0]} failed: {error.stderr.strip()}", f"look at {checkout}") from None


def _copy_file(source: Path, target: Path) -> None:
    """Readable by all users, whatever the checkout's umask was; links stay links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
