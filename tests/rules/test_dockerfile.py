"""Dockerfiles are read as BuildKit reads them, and handed on with our lines and nobody's syntax line."""

from __future__ import annotations

import pytest

from paas.errors import BuildError
from paas.rules.dockerfile import (
    CERTIFICATES_MOUNT,
    expand,
    heredocs_of,
    read_dockerfile,
    rewrite,
    split_flags,
    syntax_notice,
    with_original_lines,
)


def instructions(text: str) -> list[tuple[int, str]]:
    return [(found.line, found.text) for found in read_dockerfile(text.encode()).instructions]


def rewritten(text: str, *, with_certificates: bool = False) -> list[str]:
    result = rewrite(read_dockerfile(text.encode()), with_certificates=with_certificates)
    return result.text.decode("utf-8", "surrogateescape").splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a", [(1, "FROM a")]),
        ("from a as b\n", [(1, "FROM a as b")]),
        ("\ufeffFROM a\n", [(1, "FROM a")]),
        ("FROM a\r\nRUN x\r\n", [(1, "FROM a"), (2, "RUN x")]),
        ("# comment\n\n  FROM a\n", [(3, "FROM a")]),
        ("FROM a\nRUN x && \\\n    y\n", [(1, "FROM a"), (2, "RUN x &&     y")]),
        ("FROM a\nRUN x && \\   \n y\nRUN z", [(1, "FROM a"), (2, "RUN x &&  y"), (4, "RUN z")]),
        ("FROM a\nRUN x && \\\n# why\n   # why not\n\n y\n", [(1, "FROM a"), (2, "RUN x &&  y")]),
        ("FROM a\nRUN x \\", [(1, "FROM a"), (2, "RUN x")]),
        ("# escape=`\nFROM a\nRUN dir C:\\`\n  x\n", [(2, "FROM a"), (3, "RUN dir C:\\  x")]),
        ("FROM a\nRUN echo '#no comment'\n", [(1, "FROM a"), (2, "RUN echo '#no comment'")]),
        ("FROM\ta\n\tRUN\tx\n", [(1, "FROM a"), (2, "RUN x")]),
    ],
)
def test_instructions_are_found_with_their_lines(text: str, expected: list[tuple[int, str]]) -> None:
    assert instructions(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no FROM"),
        ("RUN x\n", "no FROM"),
        ("FROM a\nFOO x\n", "line 2: unknown instruction: 'FOO'"),
        ("FROM a\nADD\x1cx y\n", "line 2: unknown instruction"),
        ("// syntax=evil/frontend\nFROM a\n", "line 1: unknown instruction"),
        ('{"syntax": "evil/frontend"}\nFROM a\n', "line 1: unknown instruction"),
        ("#!/usr/bin/env x\n// syntax=evil\nFROM a\n", "line 2: unknown instruction"),
        ("# escape=x\nFROM a\n", "neither"),
        ("# syntax=a\n# syntax=b\nFROM a\n", "only one syntax directive"),
        ("FROM a\nRUN echo \\\\\n\n", "line 2"),
        ("FROM a\nRUN x\0y\n", "NUL"),
        ("FROM a\nRUN <<EOF\nnever closed\n", "has no end"),
        ("FROM a\nRUN " + "x" * 70_000, "longer"),
    ],
)
def test_what_cannot_be_read_names_its_line(text: str, words: str) -> None:
    with pytest.raises(BuildError, match=words):
        read_dockerfile(text.encode())


@pytest.mark.parametrize(
    ("text", "flags", "rest"),
    [
        ("x y", (), "x y"),
        ("--from=a x y", ("--from=a",), "x y"),
        ("--from=a --chown=1:1  x y", ("--from=a", "--chown=1:1"), "x y"),
        ("--fr\"om\"='a b' x", ("--from=a b",), "x"),
        ("--fr\\om=a x", ("--from=a",), "x"),
        ("-- --x", (), "--x"),
        ("x --from=a", (), "x --from=a"),
        ("--mount=type=cache,target=/x", ("--mount=type=cache,target=/x",), ""),
    ],
)
def test_flags_are_split_off_as_buildkit_does(text: str, flags: tuple[str, ...], rest: str) -> None:
    found, _, left = split_flags(text)
    assert (found, left) == (flags, rest)


@pytest.mark.parametrize(
    ("line", "terminators"),
    [
        ("RUN <<EOF", [("EOF", False)]),
        ("RUN cat <<-EOF > x", [("EOF", True)]),
        ("RUN cat <<'A B' <<\"C\"", [("A B", False), ("C", False)]),
        ("RUN 3<<EOF cat", [("EOF", False)]),
        ("COPY <<a.txt <<b.txt /x/", [("a.txt", False), ("b.txt", False)]),
        ("ONBUILD RUN <<EOF", [("EOF", False)]),
        ('RUN echo "<<EOF"', []),
        ("RUN echo $((1<<2))", []),
        ("RUN cat <<< EOF", []),
        ("CMD cat <<EOF", []),
        ('RUN ["cat", "<<EOF"]', []),
    ],
)
def test_here_documents_are_found(line: str, terminators: list[tuple[str, bool]]) -> None:
    ends = "".join(f"\n{terminator}" for terminator, _ in terminators)
    found = read_dockerfile(f"FROM a\n{line}{ends}\nUSER x".encode()).instructions
    assert heredocs_of(found[1]) == terminators
    assert found[2].keyword == "USER"


def test_a_here_document_s_lines_stay_as_they_are() -> None:
    lines = rewritten("FROM a\nRUN <<EOF\n  FROM no\n# kept \\\n\nEOF\nRUN y\n")
    assert lines[-6:] == ["RUN <<EOF", "  FROM no", "# kept \\", "", "EOF", "RUN y"]


def test_the_cache_key_comes_after_every_from_and_directives_end_before_it() -> None:
    assert rewritten("ARG V=1\nFROM a:$V AS one\nRUN x\nFROM --platform=linux/amd64 b\nCOPY --from=one / /\n") == [
        "# escape=\\",
        "#",
        "ARG V=1",
        "FROM a:$V AS one",
        "ARG PAAS_CACHE_KEY",
        "RUN x",
        "FROM --platform=linux/amd64 b",
        "ARG PAAS_CACHE_KEY",
        "COPY --from=one / /",
    ]


def test_certificates_reach_every_run_and_no_layer() -> None:
    lines = rewritten('FROM a\nRUN --mount=type=cache,target=/x y\nRUN ["z"]\nCMD z\n', with_certificates=True)
    assert "ARG SSL_CERT_FILE=/run/paas/ca.pem" in lines
    assert f"RUN {CERTIFICATES_MOUNT} --mount=type=cache,target=/x y" in lines
    assert f'RUN {CERTIFICATES_MOUNT} ["z"]' in lines
    assert lines[-1] == "CMD z"
    assert not any(line.startswith("ENV") for line in lines)


@pytest.mark.parametrize("syntax", ["docker/dockerfile:1", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile"])
@pytest.mark.parametrize("form", ["# syntax={}\n", "#syntax = {}  \n", "# SYNTAX={}\r\n", "# escape=\\\n# syntax={}\n"])
def test_docker_s_own_syntax_line_is_dropped_with_a_notice(form: str, syntax: str) -> None:
    text = form.format(syntax) + "FROM a\n"
    assert syntax in syntax_notice(read_dockerfile(text.encode()))
    assert not any("syntax" in line for line in rewritten(text))


@pytest.mark.parametrize(
    "syntax", ["evil/frontend", "docker/dockerfile-evil", "docker.io/docker/dockerfile@x", "docker/dockerfile:1 x"]
)
def test_any_other_frontend_is_refused(syntax: str) -> None:
    with pytest.raises(BuildError) as refused:
        syntax_notice(read_dockerfile(f"# syntax={syntax}\nFROM a\n".encode()))
    assert refused.value.code == "dockerfile-frontend"


def test_bytes_that_are_no_text_survive() -> None:
    result = rewrite(read_dockerfile(b"FROM a\nRUN echo \xff\xfe\n"))
    assert b"RUN echo \xff\xfe\n" in result.text


def test_line_numbers_are_those_of_the_user_s_file() -> None:
    result = rewrite(read_dockerfile(b"# syntax=docker/dockerfile:1\n\nFROM a\n\nRUN x \\\n y\nUSER\n"))
    read = result.text.decode().splitlines()
    assert [result.original_line(read.index(line) + 1) for line in ("FROM a", "RUN x  y", "USER")] == [3, 5, 7]
    number = read.index("USER") + 1
    assert (
        with_original_lines(f"dockerfile parse error line {number}: bad", result)
        == "dockerfile parse error line 7: bad"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}x$B", "1x2"),
        ("${C:-d}", "d"),
        ("${A:-d}", "1"),
        ("${A:+w}", "w"),
        ("${C}", ""),
        ("${A##x}", "${A##x}"),
    ],
)
def test_variables_are_filled_in(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected
