"""Reads the buildpacks' folders and renders their `*.j2` files with jinja2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from paas.errors import BuildError

FOLDER = ".paas"
DEFINITION = "buildpack.toml"
ORDER = "ORDER"
_WILD = {"/**": "(?:/.*)?", "**": ".*", "*": "[^/]*"}


class BuildpackFolders:
    """The folder `buildpacks/`: implements paas.ports.Templates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Dockerfiles and server configuration are not HTML: nothing is escaped by itself.
        self._jinja = Environment(  # noqa: S701
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._jinja.filters["shell_quoted"] = shell_quoted
        self._jinja.filters["double_quoted"] = double_quoted
        self._jinja.filters["regex"] = regex_from_pattern

    def buildpacks(self) -> Mapping[str, str]:
        names = (self._folder / ORDER).read_text().split()
        return {name: (self._folder / name / DEFINITION).read_text() for name in names}

    def render(self, buildpack: str, facts: Mapping[str, object]) -> Mapping[str, bytes]:
        folder = self._folder / buildpack
        files: dict[str, bytes] = {}
        for path in sorted(folder.iterdir()):
            if path.name == DEFINITION or not path.is_file():
                continue
            name = f"{FOLDER}/{path.name.removesuffix('.j2')}"
            files[name] = self._render(f"{buildpack}/{path.name}", facts) if path.suffix == ".j2" else path.read_bytes()
        return files

    def _render(self, template: str, facts: Mapping[str, object]) -> bytes:
        try:
            return self._jinja.get_template(template).render(facts).encode()
        except (TemplateError, TypeError, ValueError) as error:
            raise BuildError(
                f"buildpacks/{template} cannot be filled in from this source: {error}",
                "look at the shape of the files that the buildpack reads, such as static.json",
                code="buildpack",
            ) from None


def shell_quoted(text: object) -> str:
    """One word for a shell, whatever is in it."""
    return "'" + str(text).replace("'", "'\"'\"'") + "'"


def double_quoted(text: object) -> str:
    """One word in double quotes, as nginx reads it; control characters are dropped."""
    plain = re.sub(r"[\x00-\x1f\x7f]", "", str(text))
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def regex_from_pattern(pattern: object) -> str:
    """The regular expression of a path pattern: `*` stays inside a folder, `**` does not."""
    parts = re.split(r"(/\*\*$|\*\*|\*)", str(pattern))
    return "^" + "".join(_WILD.get(part, re.escape(part)) for part in parts) + "$"
