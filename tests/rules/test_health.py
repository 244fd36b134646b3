"""What is probed, when an answer passes, and what is said when it does not."""

from __future__ import annotations

import pytest

from paas.rules.health import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Ending,
    Listener,
    Probe,
    explain_exit,
    explain_silence,
    judge_answer,
    next_pause,
    parse_listeners,
    probes_for,
)  # fmt: skip
from paas.rules.manifest import HealthCheck

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0B00007F:9C41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 0200D00A:1F90 0300D00A:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0
"""


def test_web_must_listen_and_others_must_stay_up() -> None:
    assert probes_for("web", (), 60, 3) == (Probe(HealthCheck(), 60),)
    assert probes_for("worker", (), 60, 3) == (Probe(HealthCheck(uptime=3), 3),)
    assert probes_for("worker", (), 60, 0) == ()


@pytest.mark.parametrize(
    ("check", "limit"),
    [
        (HealthCheck(path="/up"), 30),
        (HealthCheck(path="/up", attempts=2, wait=1, timeout=4, initial_delay=10), 20),
        (HealthCheck(uptime=7), 7),
    ],
)
def test_declared_checks_have_dokkus_limits(check: HealthCheck, limit: float) -> None:
    assert probes_for("web", (check,), 60, 3) == (Probe(check, limit),)


def test_probes_come_fast_and_then_slower() -> None:
    pause, whole = FIRST_PAUSE, 0.0
    while whole < 0.5:
        whole += pause
        pause = next_pause(pause)
        assert pause < FIRST_PAUSE + whole / 8
    for _probe in range(30):
        pause = next_pause(pause)
    assert pause == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, "", ""),
        (204, "", ""),
        (302, "", ""),
        (404, "no such page", "GET /up answered 404: no such page"),
        (500, " a\n b ", "GET /up answered 500: a b"),
        (199, "", "GET /up answered 199"),
    ],
)
def test_2xx_and_3xx_pass(status: int, body: str, verdict: str) -> None:
    assert judge_answer(HealthCheck(path="/up"), status, body) == verdict


def test_wanted_content_must_be_there() -> None:
    check = HealthCheck(path="/up", content="ready")
    assert judge_answer(check, 200, "all ready now") == ""
    assert "without the text 'ready'" in judge_answer(check, 200, "starting")


@pytest.mark.parametrize(
    ("code", "oom", "words"),
    [
        (1, False, "web.1 ended with exit code 1"),
        (0, False, "ended by itself"),
        (127, False, "command not found"),
        (126, False, "not executable"),
        (137, False, "was killed"),
        (137, True, "needed more memory than 512 MB"),
        (None, False, "exit code None"),
    ],
)
def test_known_endings_are_named(code: int | None, oom: bool, words: str) -> None:
    message, hint = explain_exit("web.1", Ending(code, oom, 512_000_000))
    assert words in message
    assert hint


def test_listening_sockets_are_read_from_the_kernels_table() -> None:
    assert parse_listeners(TABLE) == [Listener("127.0.0.1", 5000), Listener("::", 8080)]
    assert parse_listeners("cat: not found") == []


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
        ("B80D0120000000000000000005000000", "2001:db8::5"),
    ],
)
def test_addresses_are_read_in_the_kernels_order(words: str, address: str) -> None:
    line = f"   0: {words}:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 1 1 0 100 0 0 10 0"
    assert parse_listeners(line) == [Listener(address, 5000)]


@pytest.mark.parametrize(
    ("listeners", "words"),
    [
        (None, "listen on 0.0.0.0 and the port in the variable PORT (5000)"),
        ([], "it listens on no port yet: listen on 0.0.0.0"),
        ([Listener("127.0.0.1", 5000)], "it listens on 127.0.0.1:5000, which only itself can reach"),
        ([Listener("::1", 5000), Listener("0.0.0.0", 1)], "it listens on [::1]:5000, which only itself can reach"),
        ([Listener("::", 5000)], "it listens on [::]:5000 for IPv6 only: listen on 0.0.0.0"),
        ([Listener("0.0.0.0", 5000), Listener("::1", 5000)], "it listens on 0.0.0.0:5000 and does not answer"),
        ([Listener("::", 3000), Listener("0.0.0.0", 9)], "it listens on 0.0.0.0:9, [::]:3000: listen on 0.0.0.0"),
        ([Listener("0.0.0.0", 3000)], "it listens on 0.0.0.0:3000"),
    ],
)
def test_a_silent_web_process_is_told_what_it_listens_on(listeners: list[Listener] | None, words: str) -> None:
    assert words in explain_silence(5000, listeners)
