"""What a command line does: words, exit codes, two streams, and what is logged of it."""

from __future__ import annotations

import subprocess

import pytest

from paas.errors import UsageError
from paas.ssh.session import shown, split
from tests.ssh.door import Door, Person


def test_no_command_is_greeted_with_who_one_is(door: Door, ana: Person, admin: Person) -> None:
    greeted = ana.ssh()
    assert (greeted.returncode, greeted.stderr) == (0, "")
    assert greeted.stdout.startswith("Hello ana, this is paas on localhost.")
    assert "Hello root (admin)" in admin.ssh().stdout


def test_results_go_to_stdout_and_refusals_to_stderr_with_their_exit_code(door: Door, ana: Person) -> None:
    door.app("blog", ana="view")
    listed = ana.ssh("apps:list", "--quiet")
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "blog\n", "")
    missing = ana.ssh("apps:info", "none")
    assert (missing.returncode, missing.stdout) == (20, "")
    assert "App none does not exist  [app-not-found]" in missing.stderr


def test_a_terminal_gets_its_own_line_ends(door: Door, ana: Person) -> None:
    door.app("blog", ana="view")
    words = ["env", "TERM=dumb", *ana.with_options("-tt").ssh_words(), "paas@127.0.0.1", "apps:list"]
    assert subprocess.run(words, capture_output=True, check=True).stdout == b"=====> My Apps\r\nblog\r\n"


def test_a_terminal_that_has_colours_gets_them(door: Door, ana: Person) -> None:
    door.app("blog", ana="view")
    there = ana.with_options("-tt")
    assert "\x1b[1m=====> My Apps\x1b[0m" in there.ssh("apps:list", term="xterm").stdout
    refused = there.ssh("apps:info", "none", term="xterm")
    assert "\x1b[31m !     App none does not exist  [app-not-found]\x1b[0m" in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("option", "term", "words"),
    [
        ("-T", "xterm", "apps:list"),
        ("-tt", "dumb", "apps:list"),
        ("-tt", "", "apps:list"),
        ("-tt", "xterm", "apps:list --format json"),
        ("-tt", "xterm", "apps:list --quiet"),
        ("-tt", "xterm", "--quiet apps:info none"),
        ("-tt", "xterm", "apps:info none --format json"),
    ],
)
def test_nothing_else_is_coloured(door: Door, ana: Person, option: str, term: str, words: str) -> None:
    door.app("blog", ana="view")
    said = ana.with_options(option).ssh(*words.split(), term=term)
    assert said.stdout + said.stderr
    assert "\x1b" not in said.stdout + said.stderr


def test_a_confirmation_is_read_from_the_client(door: Door, ana: Person) -> None:
    door.app("blog", ana="own")
    refused = ana.ssh("apps:destroy", "blog", stdin="blag\n")
    assert (refused.returncode, "[unconfirmed]" in refused.stderr) == (1, True)
    refused = ana.ssh("apps:destroy", "blog")
    assert "[unconfirmed]" in refused.stderr
    assert ana.ssh("apps:destroy", "blog", stdin="blog\n").returncode == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (None, []),
        ("", []),
        ("apps:list", ["apps:list"]),
        ("config:set blog 'KEY=a b'", ["config:set", "blog", "KEY=a b"]),
        ('config:set blog "K=$(id)"', ["config:set", "blog", "K=$(id)"]),
        ("apps:list; rm -rf /", ["apps:list;", "rm", "-rf", "/"]),
        ("apps:list && id", ["apps:list", "&&", "id"]),
        ("config:set blog K='line\none'", ["config:set", "blog", "K=line\none"]),
    ],
)
def test_a_command_line_is_words_and_no_shell(command: str | None, words: list[str]) -> None:
    assert split(command) == words


@pytest.mark.parametrize("command", ["config:set 'x", 'say "', "a\0b", "end\\"])
def test_a_command_line_without_its_end_is_refused(command: str) -> None:
    with pytest.raises(UsageError):
        split(command)


@pytest.mark.parametrize(
    ("line", "logged"),
    [
        ("", ""),
        ("config:set blog KEY=secret", "config:set blog"),
        ("config:set KEY=secret", "config:set"),
        ("config:set blog KEY secret", "config:set blog"),
        ("--app blog --quiet config:get KEY", "config:get"),
        ("tokens:revoke paas_ab12cd34_Zm9v", "tokens:revoke"),
        ("S3cret-pasted-by-mistake", "unknown"),
        ("git-receive-pack /~/blog.git", "git-receive-pack /~/blog.git"),
        ("run blog env", "run blog"),
    ],
)
def test_the_command_and_the_app_reach_the_log_and_nothing_else(line: str, logged: str) -> None:
    assert shown(line.split()) == logged


def test_a_connection_that_ends_in_mid_command_leaves_the_door_open(door: Door, ana: Person) -> None:
    child = subprocess.Popen(
        [*ana.ssh_words(), "paas@127.0.0.1", "git-receive-pack", "blog"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.read(4)
    child.kill()
    child.communicate()
    assert ana.ssh("apps:list").returncode == 0
