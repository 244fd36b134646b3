"""What do the words of a command mean? The types that commands use in their signatures; they check themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from paas.commands.declare import AppOf, Help
from paas.errors import BadInputError
from paas.model import App
from paas.rules.names import check_app_name, check_process_type


def _checked_version(value: object) -> int:
    text = str(value)
    digits = text[1:] if text[:1] in "vV" else text
    if not (digits.isascii() and digits.isdigit() and int(digits[:9]) > 0 and len(digits) < 10):
        raise BadInputError(f"{text[:40]!a} is no release", "releases APP lists them: v12", code="version")
    return int(digits)


NewAppName = Annotated[str, AfterValidator(check_app_name), Help("name of the new app")]
TheApp = Annotated[App, AppOf(), Help("name of the app")]
AnyApp = Annotated[App | None, AppOf(), Help("name of an app; without it: all that you may see")]
ProcessType = Annotated[str, AfterValidator(check_process_type)]
Version = Annotated[int, BeforeValidator(_checked_version), Help("a release: v12 or 12")]
