import os
import pwd

import pytest
from installer.person import Person, git_remote, make_key, ssh_words, trust_host_key
from installer.wishes import read_wishes


@pytest.fixture
def wishes(tmp_path, monkeypatch):
    monkeypatch.setenv("PAAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PAAS_CONFIG", str(tmp_path / "paas.toml"))
    keys = tmp_path / "home" / "keys"
    keys.mkdir(parents=True)
    (keys / "ssh_host_ed25519_key.pub").write_text("ssh-ed25519 AAAAnew paas\n")
    return read_wishes()


@pytest.fixture
def person(tmp_path):
    entry = pwd.getpwuid(os.getuid())
    folder = tmp_path / "person"
    folder.mkdir()
    return Person(entry.pw_name, folder, entry.pw_uid, entry.pw_gid)


def test_a_key_is_made_once_and_only_its_owner_reads_it(person):
    assert make_key(person)
    private = person.public_key.with_suffix("")
    before = private.read_bytes()
    assert private.stat().st_mode & 0o077 == 0
    assert not make_key(person)
    assert private.read_bytes() == before


def test_a_lost_public_key_is_made_from_the_private_one(person):
    make_key(person)
    kind_and_key = person.public_key.read_text().split()[:2]
    person.public_key.unlink()
    make_key(person)
    assert person.public_key.read_text().split()[:2] == kind_and_key


def test_the_host_key_replaces_an_older_one_and_leaves_other_hosts_alone(person, wishes):
    known = person.home / ".ssh" / "known_hosts"
    known.parent.mkdir()
    known.write_text("example.com ssh-ed25519 AAAAother\n[localhost]:2222 ssh-ed25519 AAAAold\n")
    trust_host_key(person, wishes)
    trust_host_key(person, wishes)
    assert known.read_text().splitlines() == [
        "example.com ssh-ed25519 AAAAother",
        "[localhost]:2222,[127.0.0.1]:2222 ssh-ed25519 AAAAnew",
    ]


def test_the_usual_ssh_port_is_left_out_of_what_people_type(wishes, monkeypatch):
    assert " ".join(ssh_words(wishes)) == "ssh -p 2222 paas@localhost"
    assert git_remote(wishes, "hello") == "ssh://paas@localhost:2222/hello"
    monkeypatch.setenv("PAAS_SSH_PORT", "22")
    usual = read_wishes()
    assert " ".join(ssh_words(usual)) == "ssh paas@localhost"
    assert git_remote(usual, "hello") == "ssh://paas@localhost/hello"
