"""Users, folders and keys, made for real in a folder of the test's own; with users that every Debian has."""

import os
import stat

import pytest

from paas.adapters.installation import differences, read_installation_id, set_up
from paas.errors import UnavailableError
from paas.settings import Settings

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changing owners needs root")


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", web_user="www-data", ssh_user="nobody", group="nogroup")


def test_what_set_up_makes_is_as_the_table_wants_it(settings):
    assert set_up(settings)
    assert differences(settings) == []


def test_setting_up_twice_changes_nothing(settings):
    set_up(settings)
    keys = {path: path.read_bytes() for path in settings.folder("keys").iterdir()}
    assert set_up(settings) == []
    assert {path: path.read_bytes() for path in settings.folder("keys").iterdir()} == keys


def test_a_wrong_owner_or_mode_is_named_and_corrected(settings):
    set_up(settings)
    key = settings.folder("keys", "config.key")
    key.chmod(0o666)
    os.chown(settings.folder("repositories"), 0, 0)
    assert differences(settings) == [
        "repositories belongs to root, not to nobody",
        "keys/config.key has mode 0666, not 0640",
    ]
    set_up(settings)
    assert differences(settings) == []
    assert stat.S_IMODE(key.stat().st_mode) == 0o640


def test_nothing_in_the_shared_run_folder_is_touched(settings, tmp_path):
    set_up(settings)
    victim = tmp_path / "victim"
    victim.write_text("")
    victim.chmod(0o600)
    settings.folder("run", "hook.sock").symlink_to(victim)  # what a taken-over door could leave there
    set_up(settings)
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


def test_the_installation_id_is_made_once(settings):
    with pytest.raises(UnavailableError) as refusal:
        read_installation_id(settings)
    assert refusal.value.code == "not-set-up"
    set_up(settings)
    made = read_installation_id(settings)
    set_up(settings)
    assert len(made) == 8 and read_installation_id(settings) == made


def test_the_empty_database_may_be_written_by_the_group(settings):
    set_up(settings)
    assert stat.S_IMODE(settings.folder("database", "paas.db").stat().st_mode) == 0o660
