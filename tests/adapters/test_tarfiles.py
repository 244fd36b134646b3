"""Hostile tar files are refused or made plain; nothing is ever unpacked."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import pytest

from paas.adapters.tarfiles import TarSource, clean_name
from paas.errors import BadInputError
from tests.sourcetar import add_file, add_member, write_source

LIMIT = 1_000_000


@pytest.mark.parametrize(
    ("name", "clean"), [("a/b", "a/b"), ("./a", "a"), ("/etc/passwd", "etc/passwd"), ("//a", "a"), (".", "")]
)
def test_names_are_relative_to_the_source(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@pytest.mark.parametrize("name", ["..", "../x", "a/../../x", "a/..", "a\0b"])
def test_names_that_leave_the_source_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as refused:
        clean_name(name)
    assert refused.value.code == "source-path"


def test_an_archive_with_such_a_name_is_refused_whole(tmp_path: Path) -> None:
    path = write_source(tmp_path / "x.tar", {"ok": "1", "../../etc/cron.d/x": "2"})
    with pytest.raises(BadInputError, match=r"\.\./\.\./etc/cron\.d/x"), TarSource(path, LIMIT):
        pass


def test_the_last_of_two_members_with_one_name_counts(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_member(tar, "Procfile", tarfile.SYMTYPE, "/etc/passwd")
        add_file(tar, "./Procfile", "web: x")
    with TarSource(tmp_path / "x.tar", LIMIT) as source:
        assert source.read("Procfile", 100) == b"web: x"


def test_links_are_not_read(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_file(tar, "target", "x")
        add_member(tar, "soft", tarfile.SYMTYPE, "target")
        add_member(tar, "hard", tarfile.LNKTYPE, "target")
    with TarSource(tmp_path / "x.tar", LIMIT) as source:
        for name in ("soft", "hard"):
            with pytest.raises(BadInputError) as refused:
                source.read(name, 100)
            assert refused.value.code == "source-link"
        assert source.open("hard").read() == b"x"  # the build gets a copy


def test_hard_links_to_nothing_and_to_links_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_member(tar, "soft", tarfile.SYMTYPE, "/etc/shadow")
        add_member(tar, "one", tarfile.LNKTYPE, "soft")
        add_member(tar, "two", tarfile.LNKTYPE, "absent")
    with TarSource(tmp_path / "x.tar", LIMIT) as source:
        for name in ("one", "two"):
            with pytest.raises(BadInputError, match="hard link to nothing"):
                source.open(name)


def test_devices_and_pipes_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_member(tar, "null", tarfile.CHRTYPE)
        add_member(tar, "pipe", tarfile.FIFOTYPE)
        add_file(tar, "file")
    with TarSource(tmp_path / "x.tar", LIMIT) as source:
        assert list(source.members) == ["file"]


def test_too_much_unpacked_is_refused_however_small_it_was_packed(tmp_path: Path) -> None:
    write_source(tmp_path / "x.tar", {"zeros": bytes(2 * LIMIT)})
    bomb = tmp_path / "bomb.tar"
    bomb.write_bytes(gzip.compress((tmp_path / "x.tar").read_bytes()))
    assert bomb.stat().st_size < LIMIT / 100
    with pytest.raises(BadInputError) as refused, TarSource(bomb, LIMIT):
        pass
    assert refused.value.code == "source-size"


def test_a_sparse_file_counts_with_its_whole_size(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("sparse")
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**15)}
        info.pax_headers["GNU.sparse.name"] = "sparse"
        info.size = 512
        tar.addfile(info, __import__("io").BytesIO(b"0\n".ljust(512, b"\0")))
    with pytest.raises(BadInputError) as refused, TarSource(tmp_path / "x.tar", LIMIT):
        pass
    assert refused.value.code == "source-size"


@pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b\x08broken", bytes(100)])
def test_what_is_no_tar_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(BadInputError) as refused, TarSource(tmp_path / "x.tar", LIMIT):
        pass
    assert refused.value.code == "source"


def test_a_tar_that_ends_in_mid_file_is_refused(tmp_path: Path) -> None:
    whole = write_source(tmp_path / "x.tar", {"a": b"x" * 5000}).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:2000])
    with pytest.raises(BadInputError), TarSource(tmp_path / "cut.tar", LIMIT) as source:
        source.read("a", LIMIT)
