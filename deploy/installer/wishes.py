"""How shall the installation be set up? The few settings that are needed before the platform can read its own.

Environment over the TOML file over defaults, as in paas/settings.py. The file is written once, from what the
environment says at the first installation, and never touched again.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from installer.steps import InstallError

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
DEBIAN_CERTIFICATES = Path("/usr/share/ca-certificates/mozilla")


@dataclass(frozen=True)
class Wishes:
    config: Path
    home: Path
    prefix: Path
    domain: str
    http_port: int
    https_port: int
    ssh_port: int
    docker_host: str
    users: tuple[str, str]
    group: str
    is_https: bool
    database_url: str

    @property
    def wrapper(self) -> Path:
        """The `paas` that people type; a second installation on the machine has its own beside its releases."""
        is_first = self.prefix == Path("/opt/paas")
        return Path("/usr/local/bin/paas") if is_first else self.prefix / "bin" / "paas"

    @property
    def unit(self) -> str:
        """Name of the systemd unit."""
        return "paas.service" if self.prefix == Path("/opt/paas") else f"paas-{self.prefix.name}.service"

    @property
    def packages(self) -> tuple[str, ...]:
        """Debian packages that only this installation needs: pg_dump takes the snapshot before a migration."""
        return ("postgresql-client",) if self.database_url.startswith("postgresql") else ()

    def url(self, host: str) -> str:
        """`http://host:8080/`, without the port where it is the usual one."""
        scheme, usual = ("https", 443) if self.is_https else ("http", 80)
        port = self.https_port if self.is_https else self.http_port
        return f"{scheme}://{host}" + ("" if port == usual else f":{port}") + "/"


def config_file() -> Path:
    return Path(os.environ.get("PAAS_CONFIG", "/etc/paas/paas.toml"))


def write_config(defaults: Mapping[str, str | int]) -> bool:
    """Write the TOML file from `defaults` and the PAAS_ variables of the environment, unless it is there."""
    path = config_file()
    if path.exists():
        return False
    wanted: dict[str, str] = {name: _toml(value) for name, value in defaults.items()}
    if certificates := extra_certificates():
        wanted["build_ca_certificates"] = _toml(str(certificates))
    for name, value in sorted(os.environ.items()):
        if name.startswith("PAAS_") and name != "PAAS_CONFIG":
            is_number = value.isascii() and value.isdigit()
            wanted[name.removeprefix("PAAS_").lower()] = _toml(int(value) if is_number else value)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# Settings of this installation; docs/settings.md lists them all. `paas restart` makes a change felt."]
    lines += [f"{name} = {value}" for name, value in wanted.items()]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o640 if "database_url" in wanted else 0o644)
    return True


def read_wishes() -> Wishes:
    path = config_file()
    try:
        stored = tomllib.loads(path.read_text()) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise InstallError(f"{path}: {error}", "correct that line") from None

    def wish(name: str, default: str) -> str:
        return os.environ.get(f"PAAS_{name.upper()}", str(stored.get(name, default)))

    try:
        return Wishes(
            config=path,
            home=Path(wish("home", "/var/lib/paas")),
            prefix=Path(wish("prefix", "/opt/paas")),
            domain=wish("domain", "localhost"),
            http_port=int(wish("http_port", "80")),
            https_port=int(wish("https_port", "443")),
            ssh_port=int(wish("ssh_port", "2222")),
            docker_host=wish("docker_host", "unix:///var/run/docker.sock"),
            users=(wish("web_user", "paas-web"), wish("ssh_user", "paas-ssh")),
            group=wish("group", "paas"),
            is_https=bool(wish("tls_cert", "") and wish("tls_key", "")),
            database_url=wish("database_url", ""),
        )
    except ValueError as error:
        raise InstallError(f"A port is not a number ({error})", f"correct it in the environment or in {path}") from None


def extra_certificates() -> Path | None:
    """The bundle of CA certificates when it holds more than Debian's own: builds must trust these, too."""
    named = os.environ.get("SSL_CERT_FILE", "")
    if named and Path(named) != BUNDLE and Path(named).is_file():
        return Path(named)
    if not BUNDLE.is_file():
        return None
    usual = sum(1 for _ in DEBIAN_CERTIFICATES.glob("*.crt"))
    held = BUNDLE.read_text(errors="replace").count("BEGIN CERTIFICATE")
    return BUNDLE if usual and held != usual else None


def _toml(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    if value in ("true", "false"):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
