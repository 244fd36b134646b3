"""version and doctor - what this platform is, and whether it is well."""

from __future__ import annotations

import platform as machine
from dataclasses import dataclass

import paas
from paas.commands import present
from paas.commands.declare import command
from paas.context import Context


@dataclass(frozen=True)
class VersionView:
    version: str
    python: str


@dataclass(frozen=True)
class Check:
    """state: ok, warn or fail."""

    name: str
    state: str
    message: str
    remedy: str


def _show_version(view: VersionView) -> str:
    return f"paas {view.version}"


@command("version", allow="self", api="GET /version", show=_show_version)
def version(ctx: Context) -> VersionView:
    """Print the platform's version.

    $ ssh paas@host version
    """
    return VersionView(paas.__version__, machine.python_version())


def _show_checks(checks: list[Check]) -> str:
    return "\n".join(
        f"{each.state:<5} {each.name}: {each.message}" + (f"\n      {each.remedy}" if each.remedy else "")
        for each in checks
    )


@command("doctor", allow="admin", api="GET /doctor", show=_show_checks)
def doctor(ctx: Context) -> list[Check]:
    """Look at Docker, nginx, ports, permissions, firewall, disk and clock, and say what to do.

    $ ssh paas@host doctor
    """
    answer = ctx.on.worker.ask("doctor", timeout=60)
    found = answer.get("checks")
    words = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    return [
        Check(*(present.show_value(item.get(name)) for name in ("name", "state", "message", "remedy")))
        for item in words
    ]
