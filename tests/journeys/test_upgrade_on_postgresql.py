"""Upgrades of a platform whose database is PostgreSQL: a migration that fails, and a release that does not start.

(Upgrades on SQLite: test_quickstart.py, with all that goes before. What a snapshot holds: adapters/test_pgdump.py.)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy import inspect

from paas.model.migrate import newest, revision
from tests.journeys.installation import ROOT, Installation
from tests.journeys.prober import Prober
from tests.journeys.repository import small_app
from tests.journeys.test_quickstart import MIGRATION

PARTS = ("paas", "migrations", "deploy", "nginx-templates", "buildpacks")
PAAS = """#!/bin/sh
case "$1" in {refuses}) echo " !     It will not" >&2; exit 1 ;; esac
exec {python} -E -s {folder}/app.py "$@"
"""
UPGRADE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from installer.release import Release
from installer.service import upgrade
from installer.steps import InstallError, Steps, fail
from installer.wishes import read_wishes
try:
    upgrade(Release(Path(sys.argv[2])), Release(Path(sys.argv[3])), read_wishes(), Steps())
except InstallError as failure:
    sys.exit(fail("upgrade", failure))
"""


def release(on: Installation, name: str, migration: str = "", refuses: str = "nothing") -> Path:
    """This tree as an installed release, with one more migration that ends with these words."""
    folder = Path(on.settings["prefix"]) / "releases" / name
    folder.mkdir(parents=True)
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", folder)
    if migration:
        text = MIGRATION.format(revision="9999", before=newest(), more=migration)
        (folder / "migrations" / "versions" / "9999_more.py").write_text(text)
    script = folder / "venv" / "bin" / "paas"
    script.parent.mkdir(parents=True)
    script.write_text(PAAS.format(refuses=refuses, python=sys.executable, folder=folder))
    script.chmod(0o755)
    return folder


def upgrade(on: Installation, old: Path, new: Path) -> subprocess.CompletedProcess[str]:
    environment = on.environment | {"INSTALL_LOG": str(on.folder / "install.log")}
    words = [sys.executable, "-c", UPGRADE, str(ROOT / "deploy"), str(old), str(new)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)


def has_new_table(on: Installation) -> bool:
    return bool(inspect(on.database.engine).has_table("of_the_upgrade_test"))


def test_an_upgrade_that_fails_leaves_database_and_old_release_as_they_were(shared_on_postgresql: Installation) -> None:
    on = shared_on_postgresql
    repository = on.repository("upgraded")
    repository.commit(small_app("one"))
    assert repository.push().returncode == 0
    old = release(on, "old")
    broken = release(on, "broken", 'raise RuntimeError("this migration cannot work")')
    with Prober(on.http_port, on.host("upgraded")) as prober:
        refused = upgrade(on, old, broken)
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "upgrade: The database migration failed: this migration cannot work; the database is as it was"
    ]
    assert " migrate --try\n" in (on.folder / "install.log").read_text()
    assert prober.failures == []
    assert revision(on.database) == newest() and not has_new_table(on)
    assert len(list((on.home / "backups").glob("before-migration-*.dump"))) == 1

    lame = release(on, "lame", "pass", refuses="up")
    with Prober(on.http_port, on.host("upgraded")) as prober:
        refused = upgrade(on, old, lame)
    assert refused.returncode == 1 and "lame did not start (It will not); old goes on" in refused.stderr
    assert prober.failures == []
    assert revision(on.database) == newest() and not has_new_table(on)

    assert len(on.pids()) == 5  # supervisor, web, ssh, worker, nginx
    repository.commit(small_app("two"))
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    assert on.get("upgraded") == (200, "two")
