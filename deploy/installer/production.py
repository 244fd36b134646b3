"""Install for production: one systemd unit that runs `paas up`. Asks nothing. On a newer checkout: the upgrade."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from installer import firstapp, service
from installer.packages import has_systemd
from installer.quickstart import install
from installer.release import remove_old_releases
from installer.steps import InstallError, Steps, run
from installer.wishes import read_wishes, write_config

SETTINGS = {
    "domain": "base domain; point *.DOMAIN at this machine",
    "http-port": "port for HTTP (80)",
    "https-port": "port for HTTPS (443)",
    "ssh-port": "port of git and commands (2222)",
    "database-url": "postgresql+psycopg://... instead of SQLite",
    "tls-cert": "certificate chain for the domain and *.DOMAIN (PEM)",
    "tls-key": "its private key (PEM)",
}


def production(words: list[str], steps: Steps) -> None:
    typed = _read(words)
    for name in SETTINGS:
        if value := getattr(typed, name.replace("-", "_")):
            os.environ[f"PAAS_{name.replace('-', '_').upper()}"] = value
    if not has_systemd():
        raise InstallError("There is no systemd here", "use deploy/quickstart, or `paas up` under your own supervisor")
    if not write_config({}):
        steps.say(f"{read_wishes().config} is kept as it is")
    wishes = read_wishes()
    release = install(wishes, steps)
    run([release.paas, "setup"], service.LOG_HINT)
    service.bring_up(release, wishes, steps)
    password = ""
    with steps.step("Administrator"):
        password = firstapp.make_admin(release)
        if typed.admin_key:
            firstapp.add_key(release, typed.admin_key.read_text(), "installer")
    remove_old_releases(wishes)
    print(f"\n  Dashboard   {wishes.url(f'paas.{wishes.domain}')}")
    print(f"  Sign in     {firstapp.ADMIN}   password: {password or 'unchanged'}")
    print(f"  Ready after {steps.elapsed():.0f} s; paas status and paas doctor tell how it is.")


def _read(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy/install",
        description=__doc__,
        epilog="Every setting of docs/settings.md may also be given as a variable, PAAS_DOMAIN=...; it is written into "
        "/etc/paas/paas.toml at the first installation.",
    )
    for name, text in SETTINGS.items():
        parser.add_argument(f"--{name}", metavar=name.rpartition("-")[2].upper(), help=text)
    parser.add_argument("--admin-key", type=Path, metavar="FILE", help="public SSH key of the administrator")
    return parser.parse_args(words)
