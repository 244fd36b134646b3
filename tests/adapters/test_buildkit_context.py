"""The tar that BuildKit gets: what is in it, what is not, and nobody's Dockerfile but the rewritten one."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from paas.adapters.buildkit_context import BuildContext
from paas.adapters.tarfiles import TarSource
from paas.errors import BadInputError, BuildError
from paas.ports import BuildOrder
from tests.sourcetar import add_file, add_member, write_source


def context_of(path: Path, **order: Any) -> BuildContext:
    return BuildContext(TarSource(path, 10**7), BuildOrder("abcd1234", "blog", "t:x", path, **order))


def written(context: BuildContext) -> dict[str, bytes]:
    """Name -> content (files), link target (links) or b"/" (folders), without the folder that all are in."""
    target = io.BytesIO()
    context.write(target, b"REWRITTEN")
    target.seek(0)
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=target) as tar:
        for member in tar:
            assert member.name not in found
            if member.name == ".":
                continue
            opened = tar.extractfile(member) if member.isfile() else None
            found[member.name] = opened.read() if opened else (member.linkname.encode() or b"/")
    return found


def test_the_whole_source_with_the_rewritten_dockerfile(tmp_path: Path) -> None:
    path = write_source(tmp_path / "x.tar", {"Dockerfile": "FROM a", "src/app.py": "1"})
    context = context_of(path)
    assert context.read_dockerfile() == b"FROM a"
    assert written(context) == {"Dockerfile": b"REWRITTEN", "src/app.py": b"1"}


def test_a_folder_of_the_source_and_only_that(tmp_path: Path) -> None:
    path = write_source(tmp_path / "x.tar", {"web/Dockerfile": "W", "web2/x": "", "web/a": "1", "b": ""})
    assert written(context_of(path, context="web")) == {"Dockerfile": b"REWRITTEN", "a": b"1"}


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no folder nope") as refused:
        context_of(write_source(tmp_path / "x.tar", {"a": ""}), context="nope")
    assert refused.value.code == "build-dir"


@pytest.mark.parametrize("context", ["..", "a/../..", "web\0"])
def test_a_folder_outside_of_the_source_is_refused(context: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        context_of(write_source(tmp_path / "x.tar", {"a": ""}), context=context)


def test_what_stands_in_the_way_of_an_added_file_gives_way(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_member(tar, ".paas", tarfile.SYMTYPE, "/etc")
        add_file(tar, "app.py", "1")
    context = context_of(tmp_path / "x.tar", dockerfile=".paas/Dockerfile", files={".paas/Dockerfile": b"D"})
    assert context.read_dockerfile() == b"D"
    assert written(context) == {"app.py": b"1", ".paas/Dockerfile": b"REWRITTEN"}


def test_a_dockerfile_behind_a_linked_folder_is_not_found(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_file(tar, "real/Dockerfile", "FROM a")
        add_member(tar, "linked", tarfile.SYMTYPE, "real")
    with pytest.raises(BuildError) as refused:
        context_of(tmp_path / "x.tar", dockerfile="linked/Dockerfile").read_dockerfile()
    assert refused.value.code == "dockerfile-missing"


def test_links_stay_links_and_hard_links_become_files(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add_file(tar, "Dockerfile", "FROM a")
        add_file(tar, "plain", "same")
        add_member(tar, "soft", tarfile.SYMTYPE, "../../etc/passwd")
        add_member(tar, "hard", tarfile.LNKTYPE, "plain")
        add_member(tar, "folder", tarfile.DIRTYPE)
    found = written(context_of(tmp_path / "x.tar"))
    assert (found["soft"], found["hard"], found["folder"]) == (b"../../etc/passwd", b"same", b"/")


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", encoding="utf-8", errors="surrogateescape") as tar:
        add_file(tar, "Dockerfile", "FROM a")
        add_file(tar, b"caf\xe9".decode("utf-8", "surrogateescape"), "x")
        add_file(tar, "ünï", "y")
    assert len(written(context_of(tmp_path / "x.tar"))) == 3
