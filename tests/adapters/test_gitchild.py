from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from paas.adapters.gitchild import GitChild, piped
from paas.errors import UnavailableError


@pytest.fixture
def git() -> GitChild:
    return GitChild(getpass.getuser(), {"test.key": "a value; touch x"})


def test_our_settings_stand_on_every_command_line(git: GitChild, tmp_path: Path) -> None:
    assert git.run(tmp_path, "config", "test.key").stdout == b"a value; touch x\n"


def test_nothing_of_the_environment_is_inherited(
    git: GitChild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "test.other")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "inherited")
    assert git.run(tmp_path, "config", "test.other").stdout == b""


def test_output_is_read_as_it_comes(git: GitChild, tmp_path: Path) -> None:
    with git.stream(tmp_path, "version") as child:
        assert piped(child.stdout).read().startswith(b"git version")
    assert child.returncode == 0


def test_a_serving_git_has_three_streams_and_an_exit_code(git: GitChild, tmp_path: Path) -> None:
    serving = git.serve(tmp_path, "hash-object", "--stdin", environment={})
    serving.close_stdin()
    with open(serving.stdout, "rb", closefd=False) as output:
        assert len(output.read().strip()) == 40
    assert serving.wait() == 0
    serving.close_output()


def test_a_git_that_does_not_end_is_ended(git: GitChild, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"git -c did not end within 0\.1 s"):
        git.run(tmp_path, "-c", "alias.wait=!sleep 30", "wait", timeout=0.1)


def test_a_user_who_is_not_there_is_named() -> None:
    with pytest.raises(UnavailableError, match="no system user"):
        GitChild("nobody-at-all", {})
