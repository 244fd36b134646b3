"""How is this installation set up? Environment over `/etc/paas/paas.toml` over defaults, read once, frozen.

This file is the one place where settings are documented; `docs/settings.md` is made from it and a test compares them.
Every field `x` is the variable `PAAS_X` and the TOML key `x`. Unknown keys are refused.
"""

from __future__ import annotations

import os
import tomllib
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from paas.errors import BadInputError

DEFAULT_CONFIG = Path("/etc/paas/paas.toml")
DATABASES = ("sqlite:///", "postgresql+psycopg://")
CONFIG_VARIABLE = "PAAS_CONFIG"  # names another TOML file; the only PAAS_ variable that is not a setting


class Settings(BaseSettings):
    """One installation's settings. Sizes are bytes, times are seconds, unless the description says otherwise."""

    model_config = SettingsConfigDict(env_prefix="PAAS_", frozen=True, extra="forbid")

    # Places
    home: Path = Field(Path("/var/lib/paas"), description="Folder of everything the installation remembers")
    prefix: Path = Field(Path("/opt/paas"), description="Folder where the platform's own code is installed")
    database_url: str = Field(
        "",
        description="SQLAlchemy URL; empty: SQLite in `database/paas.db` below home. PostgreSQL: postgresql+psycopg://...",
    )
    installation: str = Field(
        "", description="Id that tells our containers from another installation's on the same Docker; empty: made once"
    )

    # Addresses
    domain: str = Field("localhost", description="Base domain: apps answer at APP.DOMAIN, the dashboard at paas.DOMAIN")
    bind: str = Field("0.0.0.0", description="Address that HTTP, HTTPS and SSH listen on; `::`: all, IPv6 too")  # noqa: S104 - a public server
    http_port: int = Field(80, ge=1, le=65535, description="Port of nginx for HTTP")
    https_port: int = Field(443, ge=1, le=65535, description="Port of nginx for HTTPS")
    ssh_port: int = Field(2222, ge=1, le=65535, description="Port of the SSH server (git and commands)")
    tls_cert: Path | None = Field(
        None, description="Certificate chain (PEM) of the base domain, wildcard allowed; HTTPS is on when given"
    )
    tls_key: Path | None = Field(None, description="Private key (PEM) of tls_cert")
    network_pool: IPv4Network = Field(
        IPv4Network("10.208.0.0/12"), description="Address pool of the apps' networks; each app gets a /25 of it"
    )

    # Users of the operating system
    web_user: str = Field("paas-web", description="System user of the web process")
    ssh_user: str = Field("paas-ssh", description="System user of the SSH server, owner of the repositories")
    group: str = Field("paas", description="System group that web, ssh and worker share")

    # Docker and builds
    docker_host: str = Field("unix:///var/run/docker.sock", description="Docker Engine's socket")
    docker_cli: str = Field(
        "", description="docker command for BuildKit; empty: the first with buildx or DOCKER_BUILDKIT=1"
    )
    builds_at_once: int = Field(0, ge=0, description="Deploys that run at the same time; 0: one per core")
    build_timeout: float = Field(1800, gt=0, description="A build is stopped after this time (s)")
    build_log_limit: int = Field(20_000_000, gt=0, description="A build's log is cut off at this size")
    build_memory: int = Field(2_000_000_000, gt=0, description="Memory of all builds together (their parent cgroup)")
    disk_reserve: int = Field(
        1_000_000_000, ge=0, description="Free space that builds leave: below it they are refused or ended"
    )
    build_ca_certificates: Path | None = Field(
        None, description="Extra CA certificates (PEM) that builds and buildpack images trust"
    )
    build_http_proxy: str = Field("", description="HTTP_PROXY and HTTPS_PROXY inside builds")
    build_no_proxy: str = Field("", description="NO_PROXY inside builds")
    base_images: Literal["auto", "registry", "debian"] = Field(
        "auto", description="Base images come from a registry, from Debian packages, or from whichever answers"
    )
    images_kept: int = Field(5, ge=1, description="Images kept per app for rollbacks, the current one included")
    build_cache_limit: int = Field(10_000_000_000, ge=0, description="BuildKit's cache is pruned down to this size")

    # Pushes
    create_app_on_push: bool = Field(True, description="A push to an unknown app creates it when the user may")
    push_limit: int = Field(500_000_000, gt=0, description="Largest push (pack) in bytes")
    file_limit: int = Field(200_000_000, gt=0, description="Largest single file in a push")
    source_limit: int = Field(2_000_000_000, gt=0, description="Largest unpacked source")

    # SSH server
    ssh_login_grace: float = Field(30, gt=0, description="Time to authenticate (s)")
    ssh_pending_limit: int = Field(64, gt=0, description="Connections that have not authenticated yet, in all")
    ssh_pending_per_address: int = Field(
        8, gt=0, description="Connections that have not authenticated yet, per address"
    )
    ssh_connection_limit: int = Field(256, gt=0, description="Connections in all")
    ssh_keepalive: float = Field(30, gt=0, description="Interval of keep-alive packets (s)")

    # Running
    memory_limit: int = Field(512_000_000, gt=0, description="Memory of one container")
    pids_limit: int = Field(512, gt=0, description="Processes and threads in one container")
    start_timeout: float = Field(60, gt=0, description="A web process must accept connections within this time (s)")
    stay_up: float = Field(3, ge=0, description="Other processes must stay up this long to count as started (s)")
    drain_timeout: float = Field(30, ge=0, description="Old connections are waited for this long after a swap (s)")
    stop_timeout: float = Field(30, ge=0, description="Time between SIGTERM and SIGKILL (s)")
    release_timeout: float = Field(600, gt=0, description="A release task may run this long (s)")
    reconcile_interval: float = Field(
        30, gt=0, description="What runs is compared with what is recorded this often (s)"
    )
    job_history_days: int = Field(90, ge=1, description="Ended jobs and their logs are kept this long (days)")
    event_history_days: int = Field(365, ge=1, description="The audit trail is kept this long (days)")
    lease: float = Field(30, gt=0, description="A job whose worker is silent for this long is taken over (s)")
    log_file_limit: int = Field(10_000_000, gt=0, description="A process log is rotated at this size")
    log_files_kept: int = Field(5, ge=1, description="Rotated files kept per process log")

    restart_delay: float = Field(
        30, ge=0, description="Longest wait before a dead process of the platform itself is started again (s)"
    )

    # Routing
    nginx_user: str = Field("www-data", description="System user of nginx's workers")
    reload_timeout: float = Field(
        15, gt=0, description="A reload of nginx must be confirmed within this time (s), else it is taken back"
    )

    # Web
    upload_limit: int = Field(100_000_000, gt=0, description="Largest request body that nginx passes to an app")
    session_lifetime: float = Field(14 * 86400, gt=0, description="A sign-in lasts this long (s)")
    login_failures: int = Field(10, gt=0, description="Failed sign-ins before an account or address must wait")
    login_lockout: float = Field(900, gt=0, description="How long it waits (s)")
    web_threads: int = Field(64, ge=8, description="Threads of the web process; each open stream holds one")
    stream_limit: int = Field(48, ge=1, description="Open streams at most; below web_threads")

    # Development
    faults: Path | None = Field(
        None, description="Tests only: who reaches the fail-point named in this file kills itself"
    )

    @field_validator("domain")
    @classmethod
    def _domain_is_a_host_name(cls, value: str) -> str:
        labels = value.split(".")
        if not all(label.isascii() and label.replace("-", "").isalnum() and label == label.lower() for label in labels):
            raise ValueError("must be a lower-case host name such as example.com")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_of_a_known_kind(cls, value: str) -> str:
        if value and not value.startswith(DATABASES):
            raise ValueError(f"must begin with {' or '.join(DATABASES)}")
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key are given together or not at all")
        if self.stream_limit >= self.web_threads:
            raise ValueError("stream_limit must be below web_threads: each stream holds a thread")
        return self

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.home / 'database' / 'paas.db'}"

    @property
    def is_https(self) -> bool:
        return self.tls_cert is not None and self.tls_key is not None

    def app_url(self, host: str) -> str:
        """`https://host` or `http://host:8080`: what a person types to reach `host` here."""
        if self.is_https:
            return f"https://{host}" + ("" if self.https_port == 443 else f":{self.https_port}")
        return f"http://{host}" + ("" if self.http_port == 80 else f":{self.http_port}")

    @property
    def local_address(self) -> str:
        """Where this machine itself reaches what listens on `bind`."""
        return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104 - a comparison

    @property
    def dashboard_host(self) -> str:
        return f"paas.{self.domain}"

    def folder(self, *parts: str) -> Path:
        """A path below home: repositories inbox/ssh inbox/web sources backups tls logs keys run database nginx."""
        return self.home.joinpath(*parts)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG)))
        return init_settings, env_settings, toml


def read_settings(**overrides: Any) -> Settings:
    """Read the settings of this process.

    Raises BadInputError (code `settings`) that names the first wrong or unknown key.
    """
    known = {f"PAAS_{name.upper()}" for name in Settings.model_fields} | {CONFIG_VARIABLE}
    unknown = sorted(name for name in os.environ if name.startswith("PAAS_") and name not in known)
    if unknown:
        raise BadInputError(f"Unknown setting {unknown[0]}", "docs/settings.md lists them all", code="settings")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        what = f"Setting {name}" if name else "Settings"
        raise BadInputError(f"{what}: {first['msg']}", "docs/settings.md lists them all", code="settings") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        file = os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG)
        hint = "one KEY = VALUE on each line, texts in quotes: docs/settings.md"
        raise BadInputError(f"{file} cannot be read: {error}", hint, code="settings") from None
