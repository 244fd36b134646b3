"""Take the platform off this machine. What people made stays, unless --purge says otherwise."""

from __future__ import annotations

import argparse
import shutil
import subprocess

from installer.packages import has_systemd
from installer.release import current_release
from installer.service import UNITS
from installer.steps import InstallError, Steps, run
from installer.wishes import read_wishes

HINT = "look at /var/log/paas-install.log"


def removal(words: list[str], steps: Steps) -> None:
    parser = argparse.ArgumentParser(prog="deploy/uninstall", description=__doc__)
    parser.add_argument("--purge", action="store_true", help="with all apps, their data, the settings and the users")
    purge = parser.parse_args(words).purge
    wishes = read_wishes()
    release = current_release(wishes)
    if release is None:
        raise InstallError(f"No platform is installed in {wishes.prefix}", "set PAAS_CONFIG if it is elsewhere")
    with steps.step("Stopping"):
        unit = UNITS / wishes.unit
        if has_systemd() and unit.exists():
            run(["systemctl", "disable", "--now", wishes.unit], HINT)
            unit.unlink()
            run(["systemctl", "daemon-reload"], HINT)
        run([release.paas, "teardown", *(["--purge"] if purge else [])], HINT)
    with steps.step("Removing the program"):
        shutil.rmtree(wishes.prefix)
        wishes.wrapper.unlink(missing_ok=True)
    if purge:
        with steps.step("Removing what it remembered"):
            shutil.rmtree(wishes.home, ignore_errors=True)
            wishes.config.unlink(missing_ok=True)
            for name in wishes.users:
                subprocess.run(["userdel", name], capture_output=True, check=False)
            subprocess.run(["groupdel", wishes.group], capture_output=True, check=False)
        print("  Nothing of it is left. Debian packages (docker.io, nginx ...) and base images stay.")
        return
    print(f"""
  What stays: {wishes.home} (database, repositories, keys, backups), {wishes.config},
  the users {" and ".join(wishes.users)}, the apps' containers, networks and images, Debian packages.
  deploy/quickstart or deploy/install brings everything back; after it, deploy/uninstall --purge takes all.
""")
