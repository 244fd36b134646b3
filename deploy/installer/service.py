"""How is the platform started, stopped and upgraded on this machine, with systemd or without?"""

from __future__ import annotations

import json
from pathlib import Path

from installer.packages import has_systemd
from installer.release import Release, current_release, switch_to
from installer.steps import InstallError, Steps, run
from installer.wishes import Wishes

LOG_HINT = "the reason stands at the end of the platform's log: journalctl -u paas, or logs/platform.log in its home"
UNITS = Path("/etc/systemd/system")


def is_running(release: Release) -> bool:
    """Whether a supervisor of this installation is up, of whatever release."""
    answer = run([release.paas, "status", "--format", "json"], "look at paas status", accepted=(0, 1))
    processes = json.loads(answer)
    return any(one["name"] == "supervisor" and one["pid"] for one in processes)


def start(release: Release, wishes: Wishes) -> None:
    """Start in the background and wait until every process answers."""
    if not has_systemd():
        run([release.paas, "up", "--detach"], LOG_HINT)
        return
    unit = UNITS / wishes.unit
    template = (release.folder / "deploy" / "paas.service").read_text()
    unit.write_text(template.replace("/usr/local/bin/paas", str(wishes.wrapper)))
    run(["systemctl", "daemon-reload"], LOG_HINT)
    run(["systemctl", "enable", "--now", wishes.unit], LOG_HINT)
    run([release.paas, "wait"], LOG_HINT)


def stop(release: Release, wishes: Wishes) -> None:
    """Stop web, ssh and worker; nginx and the apps go on."""
    if has_systemd() and (UNITS / wishes.unit).exists():
        run(["systemctl", "stop", wishes.unit], LOG_HINT)
    run([release.paas, "down", "--keep-nginx"], LOG_HINT)


def first_start(release: Release, wishes: Wishes, steps: Steps) -> None:
    with steps.step("Preparing users, folders, keys and the database"):
        run([release.paas, "setup"], LOG_HINT)
        run([release.paas, "migrate"], LOG_HINT)
    with steps.step("Starting the platform"):
        switch_to(release, wishes)
        start(release, wishes)


def upgrade(old: Release, release: Release, wishes: Wishes, steps: Steps) -> None:
    """Turn a running `old` into `release`; nginx and the apps serve on.

    1. The migration is rehearsed while the old release runs: what cannot work is found there and changes nothing.
    2. The old release stops; where there is something to migrate, a snapshot of the database is taken and it is done;
       `current` is switched; the new release starts.
    3. Should it not start, the snapshot is put back, `current` too, and the old release starts again.
    """
    with steps.step(f"Rehearsing the migration to {release.name}"):
        run([release.paas, "setup"], LOG_HINT)
        run([release.paas, "migrate", "--try"], f"{old.name} goes on")
    with steps.step(f"Upgrading {old.name} to {release.name} while the apps serve"):
        stop(old, wishes)
        try:
            said = run([release.paas, "migrate"], f"{old.name} goes on")
        except InstallError:
            start(old, wishes)
            raise
        switch_to(release, wishes)
        try:
            start(release, wishes)
        except InstallError as failure:
            _return_to(old, release, wishes, is_migrated="snapshot" in said)
            raise InstallError(f"{release.name} did not start ({failure.message})", f"{old.name} goes on") from None


def _return_to(old: Release, release: Release, wishes: Wishes, *, is_migrated: bool) -> None:
    """The newest snapshot is this upgrade's, if it took one; another's would take back what was done since."""
    stop(release, wishes)
    if is_migrated:
        run([release.paas, "migrate", "--back"], LOG_HINT)
    switch_to(old, wishes)
    start(old, wishes)


def bring_up(release: Release, wishes: Wishes, steps: Steps) -> None:
    """From whatever runs now to `release` running."""
    old = current_release(wishes)
    if old is None or not old.is_complete():
        first_start(release, wishes, steps)
    elif old.folder == release.folder:
        run([release.paas, "setup"], LOG_HINT)
        if is_running(release):
            steps.say(f"{release.name} runs already")
        else:
            first_start(release, wishes, steps)
    elif is_running(old):
        upgrade(old, release, wishes, steps)
    else:
        first_start(release, wishes, steps)
