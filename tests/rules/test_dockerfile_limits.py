"""What a user's Dockerfile may not do is refused, with its line; what is valid stays valid."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from paas.errors import BadInputError, BuildError
from paas.rules.dockerfile import read_dockerfile
from paas.rules.dockerfile_limits import (
    Engine,
    check_build_argument,
    check_dockerfile,
    is_this_host,
    without_unknown_flags,
)

OLD, NEW = Engine("20.10.24+dfsg1"), Engine("26.1.5+dfsg1")
ID = "9f903888ec70f4635f248e97275828b5c22f5784b2def72ed46811b19b22f0a4"


def check(text: str, engine: Engine = NEW, arguments: Mapping[str, str] | None = None) -> None:
    check_dockerfile(read_dockerfile(text.encode()), engine, arguments or {}, "Dockerfile")


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.12-slim\nRUN pip install x\n",
        "FROM paas/base-python-3.11:abc\n",
        "FROM ghcr.io/owner/image@sha256:" + ID,
        "FROM registry.example.com:5000/team/image",
        "FROM scratch\nCOPY app /\n",
        "FROM a AS build\nFROM b\nCOPY --from=build / /\nCOPY --from=0 / /\n",
        "FROM a AS deadbeefcafe\nFROM deadbeefcafe\n",
        "ARG V=3.12\nFROM python:${V}\n",
        "FROM a\nADD rootfs.tar.gz /\nADD a b /c/\nADD --chown=1:1 x /x\n",
        'FROM a\nADD ["a file", "/x"]\n',
        "FROM a\nRUN --mount=type=bind,from=golang:1.24,target=/x true\n",
        "FROM a\nRUN --network=none make\n",
        "FROM a\nARG PAAS_APP\nARG SOURCE_VERSION\nENV MY_PAAS_CACHE=1\n",
        "FROM a\nRUN curl http://169.254.169.254/\n",
        "FROM a\nRUN <<EOF\necho hi\nEOF\nCOPY <<x /y\nhttp://a\nx\n",
    ],
)
def test_valid_dockerfiles_pass(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FROM paas/abcd1234:secret\n", "image-reference"),
        ("FROM docker.io/paas/abcd1234\n", "image-reference"),
        ("ARG B=paas\nFROM ${B}/abcd1234\n", "image-reference"),
        ("FROM a\nCOPY --from=paas/abcd1234:x / /\n", "image-reference"),
        ("FROM a\nCOPY --fr'om'=paas/abcd1234:x / /\n", "image-reference"),
        ("FROM a\nRUN --mount=type=bind,from=paas/abcd1234:x,target=/x cat /x\n", "image-reference"),
        ('FROM a\nRUN --mount=type=bind,\\"FROM=paas/abcd1234:x\\",target=/x cat /x\n', "image-reference"),
        ("FROM a\nONBUILD COPY --from=paas/abcd1234:x / /\n", "image-reference"),
        (f"FROM sha256:{ID}\n", "image-reference"),
        (f"FROM {ID}\n", "image-reference"),
        (f"FROM {ID[:12]}\n", "image-reference"),
        (f"FROM a\nCOPY --from={ID[:12]} / /\n", "image-reference"),
        ("FROM localhost:5000/x\n", "image-reference"),
        ("FROM 127.0.0.1/x\n", "image-reference"),
        ("FROM [::1]:5000/x\n", "image-reference"),
        ("FROM 169.254.169.254/x\n", "image-reference"),
        ("FROM a\nADD http://169.254.169.254/latest /x\n", "dockerfile-add"),
        ("FROM a\nADD ht\\tp://127.0.0.1/ /x\n", "dockerfile-add"),
        ("FROM a\nADD \\\n  https://x.example/y /x\n", "dockerfile-add"),
        ('FROM a\nADD ["http://127.0.0.1/", "/x"]\n', "dockerfile-add"),
        ('FROM a\nADD ["\\u0068ttp\\u003a//127.0.0.1/", "/x"]\n', "dockerfile-add"),
        ("FROM a\nARG U\nADD $U /x\n", "dockerfile-add"),
        ("FROM a\nADD git@github.com:o/r.git /x\n", "dockerfile-add"),
        ("FROM a\nADD github.com/o/r /x\n", "dockerfile-add"),
        ("FROM a\nONBUILD ADD http://127.0.0.1/ /x\n", "dockerfile-add"),
        ("FROM a\nRUN cat <<EOF\nADD http://127.0.0.1/ /x\nEOF\n", "dockerfile-add"),
        ("FROM a\nRUN --network=host x\n", "dockerfile"),
        ("FROM a\nRUN --network=$N x\n", "dockerfile"),
        ("FROM a\nRUN --security=insecure x\n", "dockerfile"),
        ("FROM a\nENV PAAS_CACHE_KEY=x\n", "dockerfile"),
        ("FROM a\nARG A=1 PAAS_CACHE_KEY=x\n", "dockerfile"),
        ("FROM a\nENV 'PAAS_CACHE_KEY'=x\n", "dockerfile"),
        ("ARG BUILDKIT_SYNTAX=evil\nFROM a\n", "dockerfile"),
        ("FROM\n", "dockerfile"),
    ],
)
def test_what_reaches_other_apps_or_the_host_is_refused(text: str, code: str) -> None:
    with pytest.raises(BuildError) as refused:
        check(text)
    assert refused.value.code == code
    assert "line" in refused.value.message


def test_a_build_argument_counts_in_the_image_s_name() -> None:
    with pytest.raises(BuildError, match="platform's apps"):
        check("ARG BASE=debian\nFROM $BASE\n", arguments={"BASE": "paas/abcd1234:x"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FROM a\nRUN <<EOF\nx\nEOF\n", r"line 2: here-documents .* 20\.10\.24"),
        ("FROM a\nRUN --network=none x\n", r"line 2: RUN --network needs Docker 23"),
        ("FROM a\n\nADD --checksum=sha256:1 x /y\n", r"line 3: ADD --checksum needs Docker 23"),
    ],
)
def test_what_an_old_engine_cannot_read_is_named(text: str, words: str) -> None:
    with pytest.raises(BuildError, match=words) as refused:
        check(text, OLD)
    assert refused.value.code == "engine-too-old"


def test_link_is_left_out_for_an_old_engine_only() -> None:
    read = read_dockerfile(b"FROM a\nCOPY --link --chown=1:1 x /y\n")
    check_dockerfile(read, OLD, {}, "Dockerfile")
    dropped, notices = without_unknown_flags(read, OLD)
    assert dropped.instructions[1].text == "COPY --chown=1:1 x /y"
    assert notices == ["line 2: --link is left out, Docker 20.10.24+dfsg1 does not know it"]
    assert without_unknown_flags(read, NEW) == (read, [])


@pytest.mark.parametrize("name", ["NODE_ENV", "a", "_x", "SOURCE_VERSION", "HTTP_PROXY"])
def test_users_set_build_arguments_of_their_own(name: str) -> None:
    assert check_build_argument(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "1a", "a b", "a=b", "ä", "a\n", "PAAS_APP", "PAAS_CACHE_KEY", "BUILDKIT_SYNTAX", "buildkit_x", "A" * 300],
)
def test_the_platform_s_and_impossible_build_arguments_are_refused(name: str) -> None:
    with pytest.raises(BadInputError) as refused:
        check_build_argument(name)
    assert refused.value.code == "build-argument"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost:5000", True),
        ("127.0.0.2", True),
        ("[::1]", True),
        ("0.0.0.0", True),
        ("docker.io", False),
        ("10.0.0.1:5000", False),
    ],
)
def test_the_server_itself_is_told_from_registries(host: str, expected: bool) -> None:
    assert is_this_host(host) is expected


@pytest.mark.parametrize(
    "reference", ['pa""as/x:1', "pa\\as/x:1", "'pa'as/x:1", "${A%x}", "${A#x}as/x", "paas/${A/b/c}", "\u0440aas/x"]
)
def test_a_name_that_buildkit_would_read_otherwise_is_refused(reference: str) -> None:
    with pytest.raises(BuildError) as refused:
        check(f"FROM {reference}\n")
    assert refused.value.code == "image-reference"


@pytest.mark.parametrize(
    "text",
    [
        "FROM ${GIT_REV:-paas/x:1}",  # given, but declared by no ARG: unset for FROM
        "ARG A=x\nARG B=${A:-paas/x:1}\nFROM $B",  # given empty below
        'ARG Z="y B=debian"\nFROM ${B:-paas/x:1}',
        "FROM ${TARGETOS:+paas/x:1}",
        "FROM ${TARGETVARIANT:-paas/x:1}",
    ],
)
def test_a_name_that_a_default_hides_is_refused(text: str) -> None:
    with pytest.raises(BuildError):
        check(text, arguments={"GIT_REV": "0" * 40, "A": ""})


def test_a_declared_argument_may_name_the_image() -> None:
    check("ARG A=debian\nARG T\nFROM ${A}:${T:-bookworm}", arguments={"T": "trixie"})
    check("FROM --platform=$BUILDPLATFORM debian:bookworm")
