"""What every `Vault` promises."""

from __future__ import annotations

import pytest

from paas.errors import UnavailableError
from paas.ports import Vault


class VaultContract:
    """Inherit and give a fixture `vault`."""

    @pytest.mark.parametrize("text", ["", "s3cret", "quotes ' and \" and\nnewlines", "Ünïcode ☃"])
    def test_what_was_sealed_opens(self, vault: Vault, text: str) -> None:
        assert vault.open(vault.seal(text)) == text

    def test_the_sealed_form_does_not_show_the_text(self, vault: Vault) -> None:
        assert b"a long secret value" not in vault.seal("a long secret value")

    def test_what_was_not_sealed_is_refused(self, vault: Vault) -> None:
        with pytest.raises(UnavailableError):
            vault.open(b"nonsense")

    def test_a_signature_depends_on_the_text_alone(self, vault: Vault) -> None:
        assert vault.sign("a") == vault.sign("a")
        assert vault.sign("a") != vault.sign("b")
        assert len(vault.sign("a")) == 64
