"""How do the users, folders and keys of an installation come to be, and are they still as they should be?

`set_up` may run any number of times: it makes what is missing, corrects owners and modes, and never replaces a key.
"""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from paas.errors import UnavailableError
from paas.rules.names import APP_ID_ALPHABET
from paas.rules.places import Found, Place, difference, wanted_places
from paas.settings import Settings

INSTALLATION_FILE = "installation"  # below home: the id that tells our containers from another installation's
INSTALLATION_ID_LENGTH = 8


def set_up(settings: Settings) -> list[str]:
    """Make users, folders, keys, the installation's id and the empty database; the lines tell what was made."""
    made = [
        *_make_users(settings),
        *_make_folders(settings),
        *_make_keys(settings),
        *_make_installation_id(settings),
        *_make_database(settings),
    ]
    corrected = list(_correct_places(settings))
    return made or corrected  # what was just made gets its owner without a word


def places(settings: Settings) -> tuple[Place, ...]:
    web = (settings.web_user, _primary_group(settings.web_user))
    ssh = (settings.ssh_user, _primary_group(settings.ssh_user))
    return wanted_places(web, ssh, settings.group)


def differences(settings: Settings) -> list[str]:
    """What is not as the table wants it, in words."""
    found = ((place, look_at(settings.home / place.path)) for place in places(settings))
    return [line for place, facts in found if (line := difference(place, facts))]


def look_at(path: Path) -> Found | None:
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return None
    return Found(_user_name(facts.st_uid), _group_name(facts.st_gid), stat.S_IMODE(facts.st_mode))


def read_installation_id(settings: Settings) -> str:
    """The id of this installation. Raises UnavailableError when `paas setup` never ran."""
    if settings.installation:
        return settings.installation
    try:
        return (settings.home / INSTALLATION_FILE).read_text().strip()
    except OSError:
        raise UnavailableError(
            f"{settings.home} is not set up", "run deploy/quickstart, or: paas setup", code="not-set-up"
        ) from None


def _make_users(settings: Settings) -> Iterator[str]:
    if not _exists(grp.getgrnam, settings.group):
        _run("groupadd", "--system", settings.group)
        yield f"group {settings.group}"
    for user in (settings.web_user, settings.ssh_user):
        if not _exists(pwd.getpwnam, user):
            _run("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                 "--shell", "/usr/sbin/nologin", user)  # fmt: skip
            yield f"user {user}"


def _make_folders(settings: Settings) -> Iterator[str]:
    for place in places(settings):
        path = settings.home / place.path
        if place.kind == "folder" and not path.is_dir():
            path.mkdir(parents=not place.path, mode=0o700)
            yield f"folder {path}"


def _make_keys(settings: Settings) -> Iterator[str]:
    """config.key and session.key are 64 hexadecimal digits; host keys are OpenSSH's."""
    for name in ("config.key", "session.key"):
        path = settings.folder("keys", name)
        if not path.exists():
            _write_once(path, secrets.token_hex(32) + "\n")
            yield f"key {name}"
    for kind, bits in (("ed25519", "256"), ("ecdsa", "256"), ("rsa", "3072")):
        path = settings.folder("keys", f"ssh_host_{kind}_key")
        if not path.exists():
            _run("ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", "paas", "-f", str(path))
            yield f"SSH host key {kind}"


def _make_installation_id(settings: Settings) -> Iterator[str]:
    path = settings.home / INSTALLATION_FILE
    if settings.installation or path.exists():
        return
    _write_once(path, "".join(secrets.choice(APP_ID_ALPHABET) for _ in range(INSTALLATION_ID_LENGTH)) + "\n")
    path.chmod(0o644)
    yield "installation id"


def _make_database(settings: Settings) -> Iterator[str]:
    """SQLite would make it 0640 and for whoever comes first."""
    path = sqlite_file(settings)
    if path is not None and not path.exists():
        _write_once(path, "")
        path.chmod(0o660)
        os.chown(path, 0, grp.getgrnam(settings.group).gr_gid)
        yield "empty database"


def sqlite_file(settings: Settings) -> Path | None:
    """The database's file; None when it is not SQLite."""
    prefix = "sqlite:///"
    return Path(settings.url.removeprefix(prefix)) if settings.url.startswith(prefix) else None


def _correct_places(settings: Settings) -> Iterator[str]:
    """Sockets are left to the processes that make them: their folder is not root's alone."""
    for place in places(settings):
        path = settings.home / place.path
        found = look_at(path)
        if found is None or path.parent.name == "run" or not difference(place, found):
            continue
        os.chown(path, pwd.getpwnam(place.owner).pw_uid, grp.getgrnam(place.group).gr_gid, follow_symlinks=False)
        path.chmod(place.mode)
        yield f"owner and mode of {path}"


def _write_once(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


def _run(*command: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise UnavailableError(f"{command[0]} failed: {answer.stderr.strip()}", "run as root", code="set-up")


def _exists(look_up: Callable[[str], object], name: str) -> bool:
    try:
        look_up(name)
    except KeyError:
        return False
    return True


def _primary_group(user: str) -> str:
    """Its own group, as `useradd --user-group` makes it, unless the user was there before with another."""
    return _group_name(pwd.getpwnam(user).pw_gid) if _exists(pwd.getpwnam, user) else user


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
