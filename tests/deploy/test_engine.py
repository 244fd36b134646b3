import json

import pytest
from installer.engine import engine_version, start_engine, want_live_restore
from installer.steps import InstallError


@pytest.fixture
def config(tmp_path):
    return tmp_path / "docker" / "daemon.json"


def test_nothing_answers_on_a_socket_that_is_not_there(tmp_path):
    assert engine_version(f"unix://{tmp_path}/none.sock") == ""


def test_an_engine_that_is_elsewhere_is_not_started_here():
    with pytest.raises(InstallError) as failure:
        start_engine("tcp://192.0.2.1:2375")
    assert "PAAS_DOCKER_HOST" in failure.value.hint


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {"live-restore": True}),
        ({"log-level": "warn"}, {"log-level": "warn", "live-restore": True}),
        ({"live-restore": False}, {"live-restore": False}),
    ],
)
def test_live_restore_is_added_to_what_stands_there(config, before, after):
    if before is not None:
        config.parent.mkdir()
        config.write_text(json.dumps(before))
    want_live_restore(config)
    assert json.loads(config.read_text()) == after


def test_a_broken_daemon_configuration_is_not_overwritten(config):
    config.parent.mkdir()
    config.write_text("{")
    with pytest.raises(InstallError):
        want_live_restore(config)
    assert config.read_text() == "{"
