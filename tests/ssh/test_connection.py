"""Who gets in by which key and name, and what a connection may ask for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import paramiko
import pytest
from paramiko.common import cMSG_KEXINIT
from paramiko.message import Message

from paas.model import SshKey, User, delete, update
from paas.ssh.connection import CHANNELS, may_set
from paas.ssh.transport import DoorTransport
from tests.ssh.door import Door, Person


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_known_key_of_every_usual_kind_gets_in(door: Door, kind: str) -> None:
    assert "Hello bea" in door.person("bea", kind=kind).ssh().stdout


def test_strangers_and_other_user_names_are_refused_alike(door: Door, ana: Person) -> None:
    answers = [door.stranger().ssh("apps:list"), ana.as_user("root").ssh("apps:list"), ana.as_user("git").ssh()]
    assert {answer.returncode for answer in answers} == {255}
    assert {answer.stderr.split(": ", 1)[1] for answer in answers} == {"Permission denied (publickey).\n"}


def test_the_right_key_counts_though_others_are_offered_before(door: Door, ana: Person) -> None:
    bea = door.person("bea")
    words = ["ssh", "-i", str(door.stranger().key), *bea.ssh_words()[1:], "-i", str(ana.key), "paas@127.0.0.1"]
    greeted = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert "Hello bea" in greeted.stdout


def test_a_key_kind_that_we_do_not_take_does_not_end_the_login(door: Door, ana: Person, tmp_path: Path) -> None:
    ca = tmp_path / "ca"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ca], check=True)
    signed = tmp_path / "signed"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", signed], check=True)
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "x", "-n", "paas", f"{signed}.pub"], check=True)
    certified = ["-o", f"CertificateFile={signed}-cert.pub", "-i", str(signed)]
    words = ana.ssh_words()
    asked = subprocess.run(
        [words[0], *certified, *words[1:], "paas@127.0.0.1"], capture_output=True, text=True, check=False, timeout=20
    )
    assert "Hello ana" in asked.stdout


def test_who_lost_the_key_or_the_account_is_out_on_open_connections_too(
    door: Door, ana: Person, tmp_path: Path
) -> None:
    shared = ana.with_options("-o", f"ControlPath={tmp_path / 'control'}")
    master = subprocess.Popen([*shared.ssh_words(), "-MNn", "paas@127.0.0.1"])
    try:
        while not (tmp_path / "control").exists():
            assert master.poll() is None
        assert shared.ssh("apps:list").returncode == 0
        with door.database.write() as session:
            session.execute(delete(SshKey).where(SshKey.user_id == ana.user_id))
        asked = shared.ssh("apps:list")
        assert asked.returncode == 1
        assert "not known any more" in asked.stderr
    finally:
        master.kill()
        master.wait()


def test_a_disabled_user_is_a_stranger(door: Door, ana: Person) -> None:
    with door.database.write() as session:
        session.execute(update(User).where(User.id == ana.user_id).values(is_disabled=True))
    assert ana.ssh().returncode == 255


def test_one_connection_carries_several_commands_up_to_the_cap(door: Door, ana: Person, tmp_path: Path) -> None:
    shared = ana.with_options("-o", f"ControlPath={tmp_path / 'control'}")
    master = subprocess.Popen([*shared.ssh_words(), "-MNn", "paas@127.0.0.1"])
    try:
        while not (tmp_path / "control").exists():
            assert master.poll() is None
        for _ in range(CHANNELS + 2):
            assert shared.ssh("apps:list").returncode == 0
        words = [*shared.ssh_words(), "paas@127.0.0.1", "git-receive-pack", "blog"]
        pipe = subprocess.PIPE
        waiting = [subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe) for _ in range(CHANNELS)]
        for child in waiting:
            assert child.stdout is not None and child.stdout.read(4)
        refused = shared.with_options("-o", "LogLevel=INFO").ssh("apps:list")
        assert "Session open refused by peer" in refused.stderr  # after which OpenSSH opens another connection
        for child in waiting:
            child.communicate()
        assert shared.ssh("apps:list").returncode == 0
    finally:
        master.kill()
        master.wait()


class GuessingClient(paramiko.Transport):
    """Says that it begins its favourite key exchange at once, and does so when that is not what will be agreed."""

    is_right = False

    def _send_message(self, data: Message) -> None:
        packet = data.asbytes()
        if not packet.startswith(cMSG_KEXINIT):
            super()._send_message(data)
            return
        self.local_kex_init = packet[:-5] + b"\x01" + packet[-4:]  # RFC 4253, 7.1: first_kex_packet_follows
        super()._send_message(Message(self.local_kex_init))
        if not self.is_right:
            guess = Message()
            guess.add_byte(b"\x1e")
            guess.add_string(os.urandom(32))
            super()._send_message(guess)


@pytest.mark.parametrize("is_right", [True, False])
def test_a_client_may_guess_the_key_exchange_as_dropbear_does(door: Door, ana: Person, is_right: bool) -> None:
    client = GuessingClient(("127.0.0.1", door.port))
    client.is_right = is_right
    client._preferred_kex = (DoorTransport._preferred_kex[0],) if is_right else ("ecdh-sha2-nistp256",)
    client._preferred_keys = ("ssh-ed25519",)
    client.connect(username="paas", pkey=paramiko.Ed25519Key.from_private_key_file(str(ana.key)))
    channel = client.open_session()
    channel.exec_command("apps:list")
    assert channel.recv_exit_status() == 0
    client.close()


@pytest.mark.parametrize(
    ("name", "value", "is_allowed"),
    [
        ("LANG", "de_DE.UTF-8", True),
        ("LC_ALL", "C", True),
        ("LC_CTYPE", "en_US.UTF-8", True),
        ("GIT_PROTOCOL", "version=2", True),
        ("GIT_PROTOCOL", "version=2:x=1", True),
        ("GIT_PROTOCOL", "version=2\nGIT_DIR=/", False),
        ("GIT_PROTOCOL", "version=2;id", False),
        ("GIT_PROTOCOL", "", False),
        ("LANG", "x" * 200, False),
        ("LANG", "$(id)", False),
        ("LC_lower", "C", False),
        ("LC_", "C", False),
        ("LD_PRELOAD", "/tmp/x.so", False),
        ("PATH", "/tmp", False),
        ("GIT_DIR", "/etc", False),
        ("GIT_SSH_COMMAND", "id", False),
        ("LANG\n", "C", False),
    ],
)
def test_few_variables_may_be_sent_along(name: str, value: str, is_allowed: bool) -> None:
    assert may_set(name, value) is is_allowed
