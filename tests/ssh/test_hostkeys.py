from __future__ import annotations

import stat
import subprocess
from pathlib import Path

from paas.ssh.hostkeys import host_key_path, make_host_keys, read_host_keys


def test_host_keys_are_made_once_and_for_their_owner_only(host_keys: Path) -> None:
    before = {path.name: path.read_bytes() for path in host_keys.iterdir()}
    make_host_keys(host_keys)
    assert {path.name: path.read_bytes() for path in host_keys.iterdir()} == before
    assert len(before) == 6
    for kind in ("ed25519", "ecdsa", "rsa"):
        assert stat.S_IMODE(host_key_path(host_keys, kind).stat().st_mode) == 0o600


def test_openssh_reads_them(host_keys: Path) -> None:
    for kind in ("ed25519", "ecdsa", "rsa"):
        path = host_key_path(host_keys, kind)
        derived = subprocess.run(["ssh-keygen", "-yf", path], check=True, capture_output=True, text=True).stdout
        assert derived.split()[:2] == path.with_suffix(".pub").read_text().split()[:2]


def test_one_of_each_kind_is_offered(host_keys: Path) -> None:
    assert [key.get_name() for key in read_host_keys(host_keys)] == ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]
