"""An upgrade step by step, with releases whose `paas` writes down what it is asked."""

import pytest
from installer.packages import has_systemd
from installer.release import Release, current_release, switch_to
from installer.service import upgrade
from installer.steps import InstallError, Steps
from installer.wishes import read_wishes

pytestmark = pytest.mark.skipif(has_systemd(), reason="it would start units of this machine")

PAAS = """#!/bin/sh
echo "{name} $*" >> {log}
case "$*" in
  migrate) {migrate} ;;
  "up --detach") exit {up} ;;
esac
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without systemd on which release `old` runs; makes others."""
    monkeypatch.setenv("PAAS_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("PAAS_PREFIX", str(tmp_path / "prefix"))
    monkeypatch.setenv("INSTALL_LOG", str(tmp_path / "install.log"))

    machine = Machine(tmp_path)
    switch_to(machine.old, machine.wishes)
    return machine


class Machine:
    def __init__(self, folder):
        self.wishes = read_wishes()
        self.log = folder / "words"
        self.old = self.release("old")

    def release(self, name: str, migrate: str = "true", up: int = 0) -> Release:
        made = Release(self.wishes.prefix / "releases" / name)
        (made.folder / "venv" / "bin").mkdir(parents=True)
        script = made.folder / "venv" / "bin" / "paas"
        script.write_text(PAAS.format(name=name, log=self.log, migrate=migrate, up=up))
        script.chmod(0o755)
        return made

    def upgrade(self, release: Release) -> list[str]:
        """What was asked of whom after the rehearsal; the last line is the failure, if it failed."""
        failure = []
        try:
            upgrade(self.old, release, self.wishes, Steps())
        except InstallError as error:
            failure = [f"{error.message}; {error.hint}"]
        asked = self.log.read_text().splitlines()
        assert asked[:2] == ["new setup", "new migrate --try"]
        return asked[2:] + failure


def test_an_upgrade_stops_the_old_release_migrates_and_starts_the_new_one(machine):
    new = machine.release("new", migrate="echo snapshot x")
    assert machine.upgrade(new) == ["old down --keep-nginx", "new migrate", "new up --detach"]
    assert current_release(machine.wishes) == new


def test_a_migration_that_fails_starts_the_old_release_again(machine):
    new = machine.release("new", migrate='echo " !     It failed  [migration]" >&2; exit 1')
    *asked, said = machine.upgrade(new)
    assert asked == ["old down --keep-nginx", "new migrate", "old up --detach"]
    assert said == "It failed; old goes on"
    assert current_release(machine.wishes) == machine.old


def test_a_release_that_does_not_start_gives_the_old_one_its_database_back(machine):
    *asked, said = machine.upgrade(machine.release("new", migrate="echo snapshot x", up=1))
    assert asked[2:] == ["new up --detach", "new down --keep-nginx", "new migrate --back", "old up --detach"]
    assert "new did not start" in said and said.endswith("old goes on")
    assert current_release(machine.wishes) == machine.old


def test_where_nothing_was_migrated_no_older_snapshot_is_put_back(machine):
    asked = machine.upgrade(machine.release("new", migrate='echo "database is up to date"', up=1))
    assert asked[2:-1] == ["new up --detach", "new down --keep-nginx", "old up --detach"]
