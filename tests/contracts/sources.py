"""What every `Sources` promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from paas.errors import BadInputError
from paas.ports import Sources

Put = Callable[[str, Mapping[str, bytes]], str]


class SourcesContract:
    """Inherit and give the fixtures `sources` and `put` (inbox file name and files -> SHA-256)."""

    def test_what_a_door_put_down_is_taken_and_read(self, sources: Sources, put: Put) -> None:
        digest = put("push-1.tar", {"Procfile": b"web: x", "src/app.py": b"1"})
        path = sources.accept("ssh", "push-1.tar", digest, 1)
        assert path == sources.path(1)
        assert sorted(file.path for file in sources.files(path)) == ["Procfile", "src/app.py"]
        assert sources.read(path, "Procfile") == b"web: x"
        assert sources.read(path, "absent") is None

    def test_accepting_twice_gives_the_same_source(self, sources: Sources, put: Put) -> None:
        digest = put("push-1.tar", {"a": b"1"})
        assert sources.accept("ssh", "push-1.tar", digest, 1) == sources.accept("ssh", "push-1.tar", digest, 1)

    def test_what_is_not_in_the_inbox_is_refused(self, sources: Sources) -> None:
        with pytest.raises(BadInputError) as refused:
            sources.accept("ssh", "absent.tar", "0" * 64, 1)
        assert refused.value.code == "source"

    def test_a_file_larger_than_asked_for_is_refused(self, sources: Sources, put: Put) -> None:
        path = sources.accept("ssh", "push-1.tar", put("push-1.tar", {"big": b"x" * 2000}), 1)
        assert sources.read(path, "big") == b"x" * 2000
        with pytest.raises(BadInputError):
            sources.read(path, "big", limit=1000)

    def test_a_source_may_be_removed_twice(self, sources: Sources, put: Put) -> None:
        sources.accept("ssh", "push-1.tar", put("push-1.tar", {"a": b"1"}), 1)
        sources.remove(1)
        sources.remove(1)
