"""A member with a key who asks for more than commands.

Attacks: forward ports to reach what listens on the host or in apps' networks; sftp and scp to read files; agent and X11
forwarding; a shell; other users' accounts; algorithms that are broken; more data than the window allows; variables
that change what git runs; words that a shell would run; another person's key shown before one's own.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import paramiko
import psutil
import pytest

from paas.ssh.connection import CHANNELS
from paas.ssh.transport import WINDOW
from tests.attacks.raw_ssh import connect, log_in
from tests.ssh.door import Door, Person, free_port, open_door
from tests.waiting import PATIENCE


def test_no_port_is_forwarded_from_the_client(door: Door, ana: Person) -> None:
    with log_in(door, ana) as transport, pytest.raises(paramiko.ChannelException) as caught:
        transport.open_channel("direct-tcpip", ("127.0.0.1", door.port), ("127.0.0.1", 1))
    assert caught.value.code == 1  # administratively prohibited


def test_no_port_is_opened_on_the_host(door: Door, ana: Person) -> None:
    port = free_port()
    with log_in(door, ana) as transport, pytest.raises(paramiko.SSHException):
        transport.request_port_forward("127.0.0.1", port)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("kind", ["x11", "auth-agent@openssh.com", "forwarded-tcpip", "tun@openssh.com", "nonsense"])
def test_channels_of_other_kinds_are_refused(door: Door, ana: Person, kind: str) -> None:
    with log_in(door, ana) as transport, pytest.raises(paramiko.ChannelException):
        transport.open_channel(kind, ("127.0.0.1", 1), ("127.0.0.1", 1))


def test_agent_x11_and_subsystems_are_refused(door: Door, ana: Person) -> None:
    with log_in(door, ana) as transport:
        for ask in (
            lambda channel: channel.request_x11(),
            lambda channel: channel.invoke_subsystem("sftp"),
            lambda channel: channel.invoke_subsystem("netconf"),
        ):
            with pytest.raises(paramiko.SSHException):
                ask(transport.open_session())


def test_files_are_neither_read_nor_written(door: Door, ana: Person, tmp_path: Path) -> None:
    words = ana.ssh_words()[1:]
    port = words[words.index("-p") + 1]
    options = [word for word in words if word not in ("-p", port)]
    for protocol in ([], ["-O"]):
        copied = subprocess.run(
            ["scp", *protocol, "-P", port, *options, "paas@127.0.0.1:/etc/passwd", tmp_path / "got"],
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert copied.returncode != 0
    assert not (tmp_path / "got").exists()


def test_a_shell_is_a_greeting(door: Door, ana: Person) -> None:
    asked = ana.with_options("-tt").ssh(stdin="id\n")
    assert asked.returncode == 0
    assert "There is no shell here" in asked.stdout and "uid=" not in asked.stdout


def test_a_channel_runs_one_command(door: Door, ana: Person) -> None:
    with log_in(door, ana) as transport:
        channel = transport.open_session()
        channel.exec_command("git-receive-pack blog")
        with pytest.raises(paramiko.SSHException):
            channel.exec_command("apps:list")


@pytest.mark.parametrize(
    "option",
    [
        ["-c", "aes128-cbc"], ["-c", "3des-cbc"], ["-c", "aes256-cbc"],
        ["-o", "MACs=hmac-sha1", "-c", "aes128-ctr"], ["-o", "MACs=hmac-md5", "-c", "aes128-ctr"],
        ["-o", "KexAlgorithms=diffie-hellman-group14-sha1"], ["-o", "KexAlgorithms=diffie-hellman-group1-sha1"],
        ["-o", "KexAlgorithms=diffie-hellman-group-exchange-sha1"], ["-o", "HostKeyAlgorithms=ssh-rsa"],
        ["-o", "HostKeyAlgorithms=ssh-dss"],
    ],
)  # fmt: skip
def test_broken_algorithms_find_no_match(door: Door, ana: Person, option: list[str]) -> None:
    asked = ana.with_options(*option).ssh()
    assert asked.returncode == 255
    assert asked.stdout == ""


@pytest.mark.parametrize(
    "option",
    [
        ["-c", "aes256-gcm@openssh.com"], ["-c", "aes128-ctr", "-o", "MACs=hmac-sha2-256"],
        ["-o", "KexAlgorithms=curve25519-sha256"], ["-o", "KexAlgorithms=ecdh-sha2-nistp256"],
        ["-o", "HostKeyAlgorithms=rsa-sha2-512"], ["-o", "HostKeyAlgorithms=ecdsa-sha2-nistp256"],
    ],
)  # fmt: skip
def test_good_algorithms_do(door: Door, ana: Person, option: list[str]) -> None:
    assert "Hello ana" in ana.with_options(*option).ssh().stdout


def test_an_rsa_key_does_not_sign_with_sha1(door: Door) -> None:
    bea = door.person("bea", kind="rsa")
    asked = bea.with_options("-o", "PubkeyAcceptedAlgorithms=ssh-rsa").ssh()
    assert asked.returncode == 255


def test_a_client_that_ignores_its_window_is_cut_off(door: Door, ana: Person) -> None:
    with log_in(door, ana) as transport:
        channel = transport.open_session()
        channel.exec_command("git-receive-pack blog")
        assert channel.recv(4)
        channel.out_window_size = 1 << 40
        with pytest.raises((OSError, EOFError)):
            for _ in range(32 * WINDOW // 32_000):
                channel.sendall(b"0" * 32_000)
                if not transport.is_active():
                    raise EOFError
    assert ana.ssh().returncode == 0


ODD_VARIABLES = {
    "LD_PRELOAD": "/tmp/x.so",
    "PATH": "/tmp",
    "GIT_DIR": "/etc",
    "GIT_SSH_COMMAND": "id",
    "GIT_CONFIG_COUNT": "1",
    "PAAS_HOOK_SOCKET": "/tmp/mine",
    "LANG": "$(touch /tmp/paas-owned)",
    "GIT_PROTOCOL": "version=2\nGIT_DIR=/",
}


def test_variables_of_the_client_do_not_reach_git(door: Door, ana: Person) -> None:
    with log_in(door, ana) as transport:
        channel = transport.open_session()
        for name, value in ODD_VARIABLES.items():
            channel.set_environment_variable(name, value)
        channel.exec_command("git-receive-pack blog")
        assert channel.recv(4)
        environments = [child.environ() for child in psutil.Process().children() if child.name() == "git"]
        assert environments
        for environment in environments:
            assert not set(environment.items()) & set(ODD_VARIABLES.items())
            assert environment["GIT_PROTOCOL_FROM_USER"] == "0"


@pytest.mark.parametrize(
    "command",
    [
        "apps:list; touch /tmp/paas-owned",
        "apps:list && touch /tmp/paas-owned",
        "$(touch /tmp/paas-owned)",
        "`touch /tmp/paas-owned`",
        "git-receive-pack '$(touch /tmp/paas-owned)'",
        "git-upload-pack --upload-pack='touch /tmp/paas-owned' blog",
        "git-upload-pack ../../etc",
        "git-receive-pack 'ext::sh -c touch% /tmp/paas-owned'",
        "git-upload-pack ''",
        "git-upload-archive blog",
        "bash -c 'touch /tmp/paas-owned'",
        "apps:create \x00",
        "'",
        "apps:info \u202eblog",
        "x" * 100_000,
    ],
)
def test_odd_words_are_refused_and_run_nothing(door: Door, ana: Person, command: str) -> None:
    with log_in(door, ana) as transport:
        channel = transport.open_session()
        channel.exec_command(command)
        assert channel.recv_exit_status() != 0
    assert not Path("/tmp/paas-owned").exists()


@pytest.mark.parametrize("command", [b"\xff\xfe apps:list", b"apps:list " + b"x" * 140_000])
def test_a_command_that_is_no_text_or_too_long_is_not_begun(door: Door, ana: Person, command: bytes) -> None:
    with log_in(door, ana) as transport, pytest.raises(paramiko.SSHException):
        transport.open_session().exec_command(command)  # type: ignore[arg-type]


def test_asking_about_anothers_key_makes_nobody_that_other(door: Door, ana: Person, admin: Person) -> None:
    """CVE-2024-45337 in other servers: the key asked about last was taken for the key that signed."""
    public = f"{admin.key}.pub"
    asked = ana.with_options("-i", public).ssh()
    assert "Hello ana" in asked.stdout
    before = subprocess.run(
        ["ssh", "-i", public, *ana.ssh_words()[1:], "paas@127.0.0.1"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Hello root" not in before.stdout


def test_a_name_changed_in_mid_login_gets_nowhere(door: Door, ana: Person) -> None:
    with connect(door) as sock:
        transport = paramiko.Transport(sock)
        transport.start_client(timeout=PATIENCE)
        with pytest.raises(paramiko.SSHException):
            transport.auth_none("root")
        with pytest.raises((paramiko.SSHException, EOFError)):
            transport.auth_publickey("paas", paramiko.Ed25519Key.from_private_key_file(str(ana.key)))
        transport.close()


def test_the_hooks_socket_is_closed_to_other_users_of_the_machine(door: Door) -> None:
    path = door.platform.settings.folder("run", "hook.sock")
    program = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    path.parent.chmod(0o755)
    for parent in path.parents:
        if parent.stat().st_mode & 0o001 == 0 and str(parent).startswith("/tmp/pytest"):
            parent.chmod(parent.stat().st_mode | 0o011)
    tried = subprocess.run(
        ["/usr/bin/python3", "-c", program, str(path)], user="nobody", capture_output=True, text=True, check=False
    )
    assert "PermissionError" in tried.stderr


def test_two_people_at_once_are_not_mixed_up(door: Door, ana: Person, admin: Person) -> None:
    greetings: list[tuple[str, str]] = []

    def greet(person: Person) -> None:
        greetings.append((person.name, person.ssh().stdout))

    threads = [threading.Thread(target=greet, args=(person,)) for person in (ana, admin) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"Hello {name}" in text for name, text in greetings)


def test_one_member_does_not_take_every_session(tmp_path: Path, host_keys: Path) -> None:
    with open_door(tmp_path, host_keys, ssh_connection_limit=16) as door, ExitStack() as open_now:
        greedy, other = door.person("greedy"), door.person("other")
        refusals = 0
        for _ in range(2):
            transport = open_now.enter_context(log_in(door, greedy))
            for _ in range(CHANNELS):
                try:
                    channel = transport.open_session()
                    channel.exec_command("git-receive-pack blog")
                    open_now.callback(channel.close)
                except paramiko.SSHException:
                    refusals += 1
        assert refusals == CHANNELS
        assert "Hello other" in other.ssh().stdout
