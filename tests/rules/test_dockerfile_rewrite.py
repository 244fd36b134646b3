"""Dockerfiles are handed on with our lines, one for each instruction, and nobody's syntax line."""

from __future__ import annotations

import pytest

from paas.errors import BuildError
from paas.rules.dockerfile import read_dockerfile
from paas.rules.dockerfile_rewrite import CERTIFICATES_MOUNT, rewrite, syntax_notice, with_original_lines


def rewritten(text: str, *, with_certificates: bool = False) -> list[str]:
    result = rewrite(read_dockerfile(text.encode()), with_certificates=with_certificates)
    return result.text.decode("utf-8", "surrogateescape").splitlines()


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
