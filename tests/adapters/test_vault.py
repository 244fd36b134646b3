from __future__ import annotations

import stat
from pathlib import Path

import pytest

from paas.adapters.vault import FileVault, make_key
from paas.errors import UnavailableError
from tests.contracts.vault import VaultContract


class TestFileVault(VaultContract):
    @pytest.fixture
    def vault(self, tmp_path: Path) -> FileVault:
        make_key(tmp_path / "config.key")
        return FileVault(tmp_path / "config.key")


def test_a_key_is_made_once_and_not_for_others_to_read(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "config.key"
    make_key(path)
    first = path.read_text()
    make_key(path)
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_same_text_is_never_sealed_alike(tmp_path: Path) -> None:
    make_key(tmp_path / "config.key")
    vault = FileVault(tmp_path / "config.key")
    assert vault.seal("same") != vault.seal("same")


def test_another_key_opens_nothing_and_says_so(tmp_path: Path) -> None:
    for name in ("one.key", "two.key"):
        make_key(tmp_path / name)
    sealed = FileVault(tmp_path / "one.key").seal("secret")
    with pytest.raises(UnavailableError) as refusal:
        FileVault(tmp_path / "two.key").open(sealed)
    assert refusal.value.code == "config-key"


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    make_key(tmp_path / "config.key")
    vault = FileVault(tmp_path / "config.key")
    sealed = bytearray(vault.seal("secret"))
    sealed[-1] ^= 1
    with pytest.raises(UnavailableError):
        vault.open(bytes(sealed))


@pytest.mark.parametrize("content", [None, "", "not hex", "ab" * 31])
def test_a_missing_or_broken_key_is_one_clear_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config.key"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnavailableError, match="Cannot read the configuration key"):
        FileVault(path).seal("x")
