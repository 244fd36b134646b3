import sys

import pytest
from installer.steps import InstallError, Steps, fail, run


@pytest.fixture(autouse=True)
def log(tmp_path, monkeypatch):
    path = tmp_path / "install.log"
    monkeypatch.setenv("INSTALL_LOG", str(path))
    return path


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_steps_tell_the_seconds(capsys):
    told = Steps()
    with told.step("Docker Engine"):
        told.say("it answers")
    begin, middle, end = capsys.readouterr().out.splitlines()
    assert begin.startswith("-----> [") and begin.endswith("s] Docker Engine")
    assert middle.endswith("it answers") and "Docker Engine: 0." in end


def test_a_failing_step_beside_the_others_is_raised_where_it_is_awaited():
    def work():
        raise InstallError("no network", "look")

    with pytest.raises(InstallError):
        Steps().beside("Python packages", work).result()


def test_a_failing_program_is_told_by_its_last_line(log):
    with pytest.raises(InstallError) as failure:
        run(python("import sys; print('much'); sys.exit('E: Unable to locate package\\n')"), "apt-get update")
    assert (failure.value.message, failure.value.hint) == ("E: Unable to locate package", "apt-get update")
    assert "much" in log.read_text()


def test_our_own_commands_keep_their_words_and_their_hint():
    script = "import sys; sys.exit(' !     Port 80 is taken  [port-taken]\\n !     set PAAS_HTTP_PORT')"
    with pytest.raises(InstallError) as failure:
        run(python(script), "something else")
    assert (failure.value.message, failure.value.hint) == ("Port 80 is taken", "set PAAS_HTTP_PORT")


def test_a_missing_program_is_named():
    with pytest.raises(InstallError) as failure:
        run(["no-such-program"], "install it")
    assert failure.value.message == "no-such-program is not installed"


def test_a_failure_is_exactly_one_line(capsys):
    assert fail("deploy/quickstart", InstallError("first\nsecond.", "run it again")) == 1
    assert capsys.readouterr().err == "deploy/quickstart: first second; run it again\n"
