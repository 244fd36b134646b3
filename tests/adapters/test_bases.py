"""Base images are made once for all; where they come from is a setting or what answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas.adapters.bases import BaseImages, find_uv
from paas.errors import BuildError
from paas.ports import BaseImage
from paas.rules.bases import LABEL_BASE
from tests.builders import RECIPES, Workshop, workshop


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path, base_images="debian") as made:
        yield made


def bases(room: Workshop, recipes: Path = RECIPES) -> BaseImages:
    return BaseImages(room.settings, room.engine, recipes, room.builder.build)


def test_two_who_want_one_base_image_make_it_once_and_builds_stand_on_it(room: Workshop) -> None:
    """Takes some 20 s on a machine where it was never made."""
    found: list[BaseImage] = []

    def find() -> None:
        found.append(room.builder.base("python-3.11", room.lines.append))

    threads = [threading.Thread(target=find) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert found[0].origin == "debian"
    assert sum("Making the base image" in line for line in room.lines) <= 1
    labels = room.engine.client.inspect_image(found[0].reference)["Config"]["Labels"]  # type: ignore[no-untyped-call]
    assert labels == {LABEL_BASE: "python-3.11"}  # no installation's: pruning never meets it
    uv = "uv --version && bash -c 'python3 -m venv /tmp/v' && test -s /etc/ssl/certs/ca-certificates.crt && echo whole"
    room.build({"Dockerfile": f"FROM {found[0].reference}\nRUN {uv}\n"})
    assert "whole" in room.lines


def test_what_is_not_to_be_had_lists_what_is(room: Workshop) -> None:
    with pytest.raises(BuildError) as refused:
        room.builder.base("python-2.7", room.lines.append)
    assert "python-3.11" in refused.value.hint


def test_the_setting_decides_where_base_images_come_from(tmp_path: Path) -> None:
    with workshop(tmp_path, base_images="registry") as room:
        assert room.builder.base_origin() == "registry"


def test_without_a_registry_auto_is_debian(tmp_path: Path) -> None:
    with workshop(tmp_path, docker_host="unix:///nonexistent.sock") as room:
        assert room.builder.base_origin() == "debian"


def test_a_registry_s_image_gets_our_additions(tmp_path: Path) -> None:
    """The official image is stood in for by an image of that name in the engine's store."""
    text = '[python]\ndebian = {}\npackages = []\nregistry = "t-build-official:{version}"\nuv = true\n'
    (tmp_path / "recipes.toml").write_text(text)
    with workshop(tmp_path, base_images="registry") as room:
        official = room.build({"Dockerfile": "FROM scratch\nCOPY x /\n", "x": ""})
        client = room.engine.client
        client.tag(official.id, "t-build-official", "3.99")
        try:
            with pytest.raises(
                BuildError
            ) as failed:  # an empty image has no shell for apt-get, but all else came first
                bases(room, tmp_path).find("python-3.99", room.lines.append)
            assert any(line.startswith("Step 2/3 : COPY uv /usr/local/bin/uv") for line in room.lines)
            assert failed.value.code == "no-such-command"
        finally:
            client.remove_image("t-build-official:3.99")


def test_uv_comes_from_our_own_environment() -> None:
    assert find_uv().stat().st_mode & 0o111
