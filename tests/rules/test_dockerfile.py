"""Dockerfiles are read as BuildKit reads them."""

from __future__ import annotations

import pytest

from paas.errors import BuildError
from paas.rules.dockerfile import expand, heredocs_of, read_dockerfile, split_flags


def instructions(text: str) -> list[tuple[int, str]]:
    return [(found.line, found.text) for found in read_dockerfile(text.encode()).instructions]


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
