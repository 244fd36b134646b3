"""Builds trust the host's authorities and the extra ones; base images get the extra ones only."""

from __future__ import annotations

from pathlib import Path

import pytest

from paas.adapters.certificates import extra_certificates, read_bundle
from paas.errors import UnavailableError


def pem(text: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"


def test_each_certificate_is_there_once(tmp_path: Path) -> None:
    (tmp_path / "extra.pem").write_text("# ours\n" + pem("corporate") + pem("public"))
    (tmp_path / "host.pem").write_text(pem("public") + pem("other"))
    assert read_bundle(tmp_path / "extra.pem", tmp_path / "host.pem") == pem("corporate") + pem("public") + pem("other")


def test_without_the_setting_nothing_is_added() -> None:
    assert read_bundle(None) == ""
    assert extra_certificates(None) == []


def test_base_images_get_what_debian_does_not_bring(tmp_path: Path) -> None:
    (tmp_path / "debian" / "mozilla").mkdir(parents=True)
    (tmp_path / "debian" / "mozilla" / "public.crt").write_text(pem("public"))
    (tmp_path / "extra.pem").write_text(pem("corporate") + pem("public"))
    assert extra_certificates(tmp_path / "extra.pem", tmp_path / "debian") == [pem("corporate")]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_wrong_setting_is_named(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "extra.pem").write_text(content)
    with pytest.raises(UnavailableError, match=r"extra\.pem"):
        read_bundle(tmp_path / "extra.pem")
