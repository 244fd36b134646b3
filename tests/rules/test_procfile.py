from __future__ import annotations

import pytest

from paas.errors import BadInputError
from paas.rules.procfile import LARGEST_PROCFILE, Procfile, parse_procfile


@pytest.mark.parametrize(
    ("content", "processes", "release"),
    [
        (b"web: gunicorn app:app\n", {"web": "gunicorn app:app"}, None),
        (b"web: a\nworker: b\nrelease: c", {"web": "a", "worker": "b"}, "c"),
        (b"\xef\xbb\xbfweb: a\r\n\r\n# note: this\r\nworker:\tb\r\n", {"web": "a", "worker": "b"}, None),
        (b"web: a\rworker: b", {"web": "a", "worker": "b"}, None),
        (b"  web  :  a b  # kept, a shell's comment\n", {"web": "a b  # kept, a shell's comment"}, None),
        (b"worker-2: FOO=1 x\nclock_a: y", {"worker-2": "FOO=1 x", "clock_a": "y"}, None),
        (b"web: a:b: c", {"web": "a:b: c"}, None),
        ("web: grüß".encode(), {"web": "grüß"}, None),
        (b"", {}, None),
        (b"# nothing\n\n", {}, None),
        (b"release: only", {}, "only"),
    ],
)
def test_a_procfile_is_read_as_heroku_reads_it(content: bytes, processes: dict[str, str], release: str | None) -> None:
    assert parse_procfile(content) == Procfile(processes=processes, release=release)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"web: a\nnonsense\n", 2, "no colon"),
        (b"web: a\n\nweb: b\n", 3, "already declared in line 1"),
        (b"web:\n", 1, "no command"),
        (b"w eb: a\n", 1, "process name"),
        (b": a\n", 1, "process name"),
        ("wéb: a".encode(), 1, "process name"),
        (b"web: a\n-x: b", 2, "process name"),
        (b"run: a", 1, "one-off"),
        (b"web: a\nworker: \xff\xfe", 2, "not UTF-8"),
        (b"web: a\x00b", 1, "control character"),
        (b"web: a\nworker: echo 'x", 2, "no closing quotation"),
        (b"web: " + b"x" * 9000, 1, "9,000 characters"),
    ],
)
def test_a_wrong_line_is_named_with_its_reason(content: bytes, line: int, reason: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_procfile(content)
    assert caught.value.code == "procfile"
    assert f"line {line}" in caught.value.message
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_huge_procfile_is_refused_unread() -> None:
    with pytest.raises(BadInputError, match="at most"):
        parse_procfile(b"a" * (LARGEST_PROCFILE + 1))


def test_a_procfile_of_too_many_processes_is_refused() -> None:
    with pytest.raises(BadInputError, match="33 processes"):
        parse_procfile("\n".join(f"worker{number}: x" for number in range(33)).encode())
