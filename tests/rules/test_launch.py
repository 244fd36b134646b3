from __future__ import annotations

import subprocess

import pytest

from paas.errors import BadInputError
from paas.rules.launch import explain_missing_shell, process_command, process_entrypoint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gunicorn app:app", "exec gunicorn app:app"),
        ("gunicorn -b 0.0.0.0:$PORT app:app", "exec gunicorn -b 0.0.0.0:$PORT app:app"),
        ("gunicorn 'app:create_app()'", "exec gunicorn 'app:create_app()'"),
        ('echo "a; b"', 'exec echo "a; b"'),
        ("node x --port ${PORT:-3}", "exec node x --port ${PORT:-3}"),
        ("A=1 B='x y' run it", "exec env A=1 B='x y' run it"),
        ("cd web && node x", "cd web && node x"),
        ("a | b", "a | b"),
        ("a; b", "a; b"),
        ("export A=1", "export A=1"),
        ("a b  # a shell's comment", "a b  # a shell's comment"),
        ("exec a", "exec a"),
        ("(a)", "(a)"),
        ("a > /tmp/x", "exec a > /tmp/x"),
    ],
)
def test_a_line_in_our_image_is_run_by_bash_and_replaces_it_where_it_can(text: str, line: str) -> None:
    assert process_command(text, is_ours=True) == ("/bin/bash", "-c", line)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/server --port 80", ("/server", "--port", "80")),
        ("/server 'a b' \"c d\"", ("/server", "a b", "c d")),
        ("/server '$HOME'", ("/server", "$HOME")),
        ("/server --port $PORT", ("/bin/sh", "-c", "exec /server --port $PORT")),
        ("A=1 /server", ("/bin/sh", "-c", "exec env A=1 /server")),
        ("a && b", ("/bin/sh", "-c", "a && b")),
        ("cd /x", ("/bin/sh", "-c", "cd /x")),
        ("ls *.py", ("/bin/sh", "-c", "exec ls *.py")),
    ],
)
def test_a_line_in_a_users_image_needs_a_shell_only_for_shell_syntax(text: str, words: tuple[str, ...]) -> None:
    assert process_command(text, is_ours=False) == words


@pytest.mark.parametrize("is_ours", [True, False])
def test_quotes_that_do_not_close_are_refused(is_ours: bool) -> None:
    with pytest.raises(BadInputError, match="quot"):
        process_command("echo 'a", is_ours=is_ours)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("A='1 2' printenv A", "1 2\n"),
        ("echo \"a; $((1 + 1))\" 'b & c'", "a; 2 b & c\n"),
        ("X=$HOME; echo x$X", "x/app\n"),
        ("[[ a == a ]] && echo yes", "yes\n"),
    ],
)
def test_lines_mean_what_they_mean_in_bash(text: str, printed: str) -> None:
    done = subprocess.run(
        process_command(text, is_ours=True),
        capture_output=True,
        text=True,
        env={"HOME": "/app", "PATH": "/usr/bin:/bin"},
    )
    assert (done.stdout, done.stderr) == (printed, "")


@pytest.mark.parametrize(
    ("entrypoint", "is_ours", "wanted"),
    [
        (("/docker-entrypoint.sh",), False, None),
        ((), False, None),
        (("/bin/sh", "-c", "python app.py"), False, ()),
        (("/docker-entrypoint.sh",), True, ()),
    ],
)
def test_an_entrypoint_is_kept_unless_it_would_drop_the_command(
    entrypoint: tuple[str, ...], is_ours: bool, wanted: tuple[str, ...] | None
) -> None:
    assert process_entrypoint(entrypoint, is_ours=is_ours) == wanted


def test_a_missing_shell_is_explained_in_one_line() -> None:
    said = 'OCI runtime create failed: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown'
    error = explain_missing_shell("/server $PORT", said)
    assert error is not None and error.code == "no-shell" and "/server $PORT" in error.message
    assert explain_missing_shell("/server", "port is already allocated") is None
