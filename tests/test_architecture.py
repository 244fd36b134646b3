"""The referee for docs/architecture.md, directions 1 to 3: imports point down, adapters are chosen by app.py only, and
every library has one home."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Which parts of paas a part may import. A part may always import itself.
MAY_IMPORT = {
    "ssh": {"commands", "context", "ports", "rules", "errors", "settings"},
    "web": {"commands", "context", "ports", "rules", "errors", "settings"},
    "worker": {"flows", "context", "model", "ports", "rules", "errors", "settings"},
    "commands": {"flows", "context", "model", "ports", "rules", "errors", "settings"},
    "flows": {"context", "model", "ports", "rules", "errors", "settings"},
    "context": {"model", "ports", "rules", "errors", "settings"},
    "ports": {"rules", "errors"},
    "adapters": {"ports", "rules", "errors", "settings"},  # ports: the values that they promise
    "model": {"rules", "errors"},
    "rules": {"errors"},
    "settings": {"errors"},
    "errors": set(),
}

# Library -> the parts that may import it. The standard library's subprocess is a library here.
HOMES = {
    "flask": {"web"},
    "flask_wtf": {"web"},
    "werkzeug": {"web"},
    "wtforms": {"web"},
    "itsdangerous": {"web"},
    "openapi_pydantic": {"web"},
    "paramiko": {"ssh"},
    "sqlalchemy": {"model", "migrations"},
    "alembic": {"model", "migrations"},
    "docker": {"adapters"},
    "jinja2": {"adapters"},
    "subprocess": {"adapters"},
    "click": {"commands"},
    "rich": {"commands"},
    "gunicorn": set(),
}
OF_RULES = {"packaging", "nodesemver", "pydantic"}  # besides the standard library


def files() -> list[Path]:
    return sorted([*(ROOT / "paas").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")])


def part_of(path: Path) -> str:
    """`commands` for paas/commands/apps.py, `errors` for paas/errors.py, `migrations` for migrations/env.py."""
    parts = path.relative_to(ROOT).parts
    return parts[0] if parts[0] != "paas" else Path(parts[1]).stem


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names of everything that the file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    part = part_of(path)
    if part in ("__init__", "migrations"):
        return
    imported = {name.split(".")[1] for name in imports_of(path) if name.startswith("paas.")}
    assert imported <= MAY_IMPORT[part] | {part, "__version__"}
    assert "app" not in set(imports_of(path)), "app.py is imported by nobody"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_library_has_one_home(path):
    part = part_of(path)
    foreign = {name for name, homes in HOMES.items() if part not in homes}
    assert not foreign & {name.split(".")[0] for name in imports_of(path)}


@pytest.mark.parametrize("path", sorted((ROOT / "paas" / "rules").glob("*.py")), ids=lambda path: path.stem)
def test_rules_open_nothing(path):
    libraries = {name.split(".")[0] for name in imports_of(path)} - {"paas"}
    assert libraries <= set(sys.stdlib_module_names) | OF_RULES
    assert not libraries & {"os", "socket", "subprocess", "time", "threading", "urllib", "shutil", "tempfile"}


def test_only_the_composition_root_imports_adapters():
    outside = [path for path in ROOT.glob("*.py") if path.name != "app.py"] + list((ROOT / "paas").glob("*.py"))
    for path in outside:
        assert not any(name.startswith("paas.adapters") for name in imports_of(path)), path
