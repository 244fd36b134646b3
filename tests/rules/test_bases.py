"""Base images: which there are, what they are called, what they are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from paas.errors import BuildError
from paas.rules.bases import (
    apt_sources,
    default_bases,
    find_recipe,
    mmdebstrap_words,
    names_of,
    read_kinds,
    registry_dockerfile,
)

ROOT = Path(__file__).parents[2]
BUILDPACKS = ROOT / "buildpacks"
KINDS = read_kinds((ROOT / "deploy" / "base-images" / "recipes.toml").read_text())


@pytest.mark.parametrize(
    ("name", "suite"),
    [
        ("python-3.11", "bookworm"),
        ("python-3.13", "trixie"),
        ("node-18", "bookworm"),
        ("node-20", "trixie"),
        ("go-1.19", "bookworm"),
        ("go-1.24", "trixie"),
        ("nginx", "bookworm"),
        ("debian", "bookworm"),
    ],
)
def test_each_version_comes_from_the_debian_suite_that_has_it(name: str, suite: str) -> None:
    assert find_recipe(KINDS, name, "debian").suite == suite


def test_a_registry_gives_any_version() -> None:
    assert find_recipe(KINDS, "python-3.14", "registry").image == "python:3.14-slim"
    assert find_recipe(KINDS, "debian", "registry").image == "debian:bookworm-slim"


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("python-2.7", "debian"),
        ("python", "debian"),
        ("cobol-1", "debian"),
        ("", "debian"),
        ("python-x; rm", "registry"),
        ("python-", "registry"),
        ("debian-12", "registry"),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_can(name: str, origin: str) -> None:
    with pytest.raises(BuildError) as refused:
        find_recipe(KINDS, name, "registry" if origin == "registry" else "debian")
    assert refused.value.code == "base-image"
    assert "python-" in refused.value.hint


def test_a_buildpack_names_the_bases_that_it_takes_when_no_version_is_asked_for() -> None:
    definition = (BUILDPACKS / "python" / "buildpack.toml").read_text()
    assert default_bases(definition, "debian") == ["python-3.11"]
    assert default_bases(definition, "registry") != default_bases(definition, "debian")
    assert default_bases((BUILDPACKS / "static" / "buildpack.toml").read_text(), "debian") == ["nginx"]


def test_names_list_the_versions_of_debian_and_any_version_of_a_registry() -> None:
    assert "python-3.11" in names_of(KINDS.values(), "debian")
    assert "python-VERSION" in names_of(KINDS.values(), "registry")


def test_the_tag_follows_what_goes_into_the_image() -> None:
    one = find_recipe(KINDS, "python-3.11", "debian", ["certificates", "uv 1"])
    assert one.reference.startswith("paas/base-python-3.11:")
    assert one.reference == find_recipe(KINDS, "python-3.11", "debian", ["certificates", "uv 1"]).reference
    others = [
        find_recipe(KINDS, "python-3.11", "debian", ["certificates", "uv 2"]),
        find_recipe(KINDS, "python-3.11", "registry", ["certificates", "uv 1"]),
        find_recipe(KINDS, "python-3.13", "debian", ["certificates", "uv 1"]),
    ]
    assert len({one.reference, *(other.reference for other in others)}) == 4


def test_the_host_s_own_mirror_is_used() -> None:
    host = [
        "# deb http://old.example/debian bookworm main\n",
        "deb [arch=amd64] https://apt.example/vendor stable main\n",
        "Types: deb\nURIs: http://mirror.example/debian/\nSuites: bookworm\n",
        "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n",
    ]
    lines = apt_sources("trixie", host).splitlines()
    assert [line.split("] ")[1] for line in lines] == [
        "http://mirror.example/debian trixie main",
        "http://mirror.example/debian trixie-updates main",
        "http://mirror.example/debian-security trixie-security main",
    ]


def test_a_host_without_debian_mirrors_uses_debian_s_own() -> None:
    assert "http://deb.debian.org/debian trixie main" in apt_sources(
        "trixie", ["deb http://archive.ubuntu.com/ubuntu noble main"]
    )


def test_the_debian_image_trusts_certificates_and_has_what_is_added() -> None:
    recipe = find_recipe(KINDS, "python-3.11", "debian")
    words = mmdebstrap_words(recipe, "/x/sources.list", [("/opt/uv", "/usr/local/bin")])
    assert words[-3:] == ["bookworm", "-", "/x/sources.list"]
    assert "--include=bash,ca-certificates,python3,python3-venv" in words
    copied = words.index("--customize-hook=copy-in /opt/uv /usr/local/bin")
    assert copied < words.index('--customize-hook=chroot "$1" update-ca-certificates')


def test_the_registry_image_is_the_official_one_with_the_same_additions() -> None:
    text = registry_dockerfile(find_recipe(KINDS, "python-3.12", "registry"), ["paas-0.crt"])
    assert text.splitlines()[:3] == [
        "FROM python:3.12-slim",
        "COPY certificates/paas-0.crt /usr/local/share/ca-certificates/paas-0.crt",
        "COPY uv /usr/local/bin/uv",
    ]
    assert "update-ca-certificates" in text
