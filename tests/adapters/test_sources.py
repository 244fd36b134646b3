"""The worker takes from an inbox only what its door put there, whole, and reads it within limits."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from paas.adapters.sources import TarSources
from paas.errors import BadInputError, NotFoundError
from paas.settings import Settings
from tests.contracts.sources import Put, SourcesContract
from tests.sourcetar import write_source


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for door in ("ssh", "web"):
        (tmp_path / "inbox" / door).mkdir(parents=True)
    return Settings(home=tmp_path, ssh_user=getpass.getuser(), web_user="nobody", source_limit=100_000)


@pytest.fixture
def sources(settings: Settings) -> TarSources:
    return TarSources(settings)


def put_down(settings: Settings, name: str = "in.tar", **files: str) -> str:
    path = write_source(settings.folder("inbox", "ssh", name), files or {"Procfile": "web: x"})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_source_that_was_replaced_is_read_anew(settings: Settings, sources: TarSources) -> None:
    path = sources.accept("ssh", "in.tar", put_down(settings, Procfile="web: old", other="x"), 7)
    assert (sources.read(path, "Procfile"), sources.read(path, "other")) == (b"web: old", b"x")
    path = sources.accept("ssh", "in.tar", put_down(settings, Procfile="web: new"), 7)
    assert (sources.read(path, "Procfile"), sources.read(path, "other")) == (b"web: new", None)


class TestTarSources(SourcesContract):
    @pytest.fixture
    def put(self, settings: Settings) -> Put:
        def put(name: str, files: Mapping[str, bytes]) -> str:
            path = write_source(settings.folder("inbox", "ssh", name), files)
            return hashlib.sha256(path.read_bytes()).hexdigest()

        return put


def test_a_source_is_taken_once_and_may_be_asked_for_twice(settings: Settings, sources: TarSources) -> None:
    digest = put_down(settings)
    path = sources.accept("ssh", "in.tar", digest, 7)
    assert path == settings.folder("sources") / "7.tar"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not settings.folder("inbox", "ssh", "in.tar").exists()
    assert sources.accept("ssh", "in.tar", digest, 7) == path
    assert sources.read(path, "Procfile") == b"web: x"


def test_another_content_than_announced_is_refused_and_leaves_nothing(settings: Settings, sources: TarSources) -> None:
    put_down(settings)
    with pytest.raises(BadInputError) as refused:
        sources.accept("ssh", "in.tar", "0" * 64, 7)
    assert refused.value.code == "source-digest"
    assert list(settings.folder("sources").iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../sources/1.tar", "a/b", "a\0b"])
def test_names_stay_inside_the_inbox(name: str, sources: TarSources) -> None:
    with pytest.raises(BadInputError):
        sources.accept("ssh", name, "0" * 64, 7)


def test_links_folders_and_pipes_are_not_opened(settings: Settings, sources: TarSources) -> None:
    inbox = settings.folder("inbox", "ssh")
    (inbox / "link").symlink_to("/etc/shadow")
    (inbox / "folder").mkdir()
    os.mkfifo(inbox / "pipe")
    for name in ("link", "folder", "pipe", "absent"):
        with pytest.raises(BadInputError) as refused:
            sources.accept("ssh", name, "0" * 64, 7)
        assert refused.value.code == "source"


def test_a_file_of_another_user_is_refused(settings: Settings, sources: TarSources) -> None:
    path = write_source(settings.folder("inbox", "web", "in.tar"), {"a": "b"})  # ours, not the web user's
    with pytest.raises(BadInputError, match="door"):
        sources.accept("web", "in.tar", hashlib.sha256(path.read_bytes()).hexdigest(), 7)


def test_a_file_over_the_limit_is_refused(settings: Settings, sources: TarSources) -> None:
    digest = put_down(settings, a="x" * 200_000)
    with pytest.raises(BadInputError) as refused:
        sources.accept("ssh", "in.tar", digest, 7)
    assert refused.value.code == "source-size"


def test_files_are_listed_and_read_within_limits(settings: Settings, sources: TarSources) -> None:
    path = write_source(settings.home / "x.tar", {"Procfile": "web: x", "src/big": "y" * 5000})
    assert [(file.path, file.size, file.is_link) for file in sources.files(path)] == [
        ("Procfile", 6, False),
        ("src/big", 5000, False),
    ]
    assert sources.read(path, "absent") is None
    assert sources.read(path, "src") is None
    with pytest.raises(BadInputError) as refused:
        sources.read(path, "src/big", limit=1000)
    assert refused.value.code == "source-file-size"


def test_a_source_that_is_gone_is_said_to_be_gone(settings: Settings, sources: TarSources) -> None:
    with pytest.raises(NotFoundError):
        sources.files(sources.path(9))
    sources.remove(9)
