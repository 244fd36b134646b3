"""What in docs/ is made from code? `make docs` writes it; tests/test_documentation.py compares it.

python -m docs.generate
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paas.commands.catalog import REGISTRY
from paas.commands.help import command_help
from paas.commands.local import LOCAL
from paas.settings import Settings
from paas.web.openapi import describe

HERE = Path(__file__).resolve().parent
MADE = "<!-- Made by `make docs` from {source}. Do not edit. -->"


def settings_page() -> str:
    """Every setting with its variable, default and meaning."""
    lines = [
        "# Settings",
        "",
        MADE.format(source="paas/settings.py"),
        "",
        "A setting is read from the environment (`PAAS_DOMAIN=example.com`), else from `/etc/paas/paas.toml`",
        '(`domain = "example.com"`; `PAAS_CONFIG` names another file), else it has its default. Sizes are bytes, times',
        "are seconds. Unknown keys and `PAAS_` variables are refused. `paas restart` makes a change felt.",
        "",
        "| Variable | TOML key | Default | Meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        cells = (f"`PAAS_{name.upper()}`", f"`{name}`", _default(field.default), field.description or "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """Every command: at the machine itself, and by ssh, `paas` and the API."""
    lines = [
        "# Commands",
        "",
        MADE.format(source="the declarations in paas/commands/"),
        "",
        "`ssh paas@host COMMAND`; as root at the machine itself `paas COMMAND`; below `/api/v1` with a bearer token.",
        "All take `--format json`, `--quiet`, `--force` and `--app NAME`.",
    ]
    topic = ""
    for command in sorted(REGISTRY.values(), key=lambda one: (one.topic, one.name)):
        if command.topic != topic:
            topic = command.topic
            lines += ["", f"## {topic}"]
        lines += ["", f"### {command.name}", "", "```", command_help(command, []), "```", ""]
        lines += [f"Allowed for: {command.allow}. API: `{command.method} /api/v1{command.path}`."]
    lines += ["", "## At the machine itself", "", "As root; these work while the platform is down.", ""]
    for local in LOCAL.values():
        if not local.is_hidden:
            flags = "".join(f" [{flag}{'...' if flag.endswith('=') else ''}]" for flag, _ in local.flags)
            lines.append(f"- `paas {local.name}{flags}`: {local.summary}")
    return "\n".join(lines) + "\n"


def openapi_document() -> str:
    return json.dumps(describe(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "openapi.json": openapi_document,
}


def _default(value: Any) -> str:
    return "" if value is None or value == "" else f"`{value}`"


if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make())
