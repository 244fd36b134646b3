"""What did they type? Global flags, and the words behind a command as values by parameter name; Click parses them.

Global flags (`--format json`, `--quiet`, `--force`, `--app NAME`) may stand before the command or behind it, but not
behind the app of a command that passes its words on (`run blog ls --format json` gives `--format json` to ls).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import click

from paas.commands.declare import Command, Parameter
from paas.errors import UsageError

FORMATS = ("text", "json")


@dataclass
class Flags:
    format: str = "text"
    quiet: bool = False
    force: bool = False
    app: str | None = None
    every_app: bool = False  # --all
    parallel: int = 1
    rest: list[str] = field(default_factory=list)


def split_flags(words: list[str]) -> Flags:
    """Take the global flags that stand before the command. Raises UsageError for an unknown one."""
    flags = Flags()
    left = list(words)
    while left and left[0].startswith("-") and left[0] not in ("--help", "-h", "--version"):
        word, _, value = left.pop(0).partition("=")
        if word in ("--quiet", "-q"):
            flags.quiet = True
        elif word == "--force":
            flags.force = True
        elif word in ("--format", "--app", "-a"):
            if not value and not left:
                raise UsageError(f"{word} needs a value", "help")
            value = value or left.pop(0)
            if word == "--format":
                flags.format = _format(value)
            else:
                flags.app = value
        else:
            raise UsageError(f"Unknown option {word[:40]!a}", "help")
    flags.rest = left
    return flags


def parse(declared: Command, words: list[str], flags: Flags) -> dict[str, Any]:
    """Words to values by parameter name; fills `flags` from options behind the command. Raises UsageError."""
    if flags.app is None and not declared.passes_words:
        words = _take_app(words, flags)
    if flags.app is not None and declared.app_parameter is not None:
        options = _count_own(declared, words) if declared.passes_words else 0
        words = [*words[:options], flags.app, *words[options:]]
    parser = click_command(declared)
    try:
        with parser.make_context(declared.name, list(words)) as context:
            values = dict(context.params)
    except click.NoSuchOption as error:
        raise _unknown_option(declared, error) from None
    except click.UsageError as error:
        raise UsageError(error.format_message().rstrip("."), f"help {declared.name}") from None
    flags.format = _format(values.pop("format__", None) or flags.format)
    flags.quiet = values.pop("quiet__", False) or flags.quiet
    flags.force = values.pop("force__", False) or flags.force
    if declared.takes_all:
        _read_all(declared, values, flags)
    if "flag" in values:
        _find_flag(values)
    if flags.quiet and any(parameter.name == "quiet" for parameter in declared.parameters):  # --quiet logs blog
        values["quiet"] = True
    if declared.passes_words and values["words"][:1] == ("--",):  # run blog -- ls: only a separator
        values["words"] = values["words"][1:]
    known = {parameter.name: parameter for parameter in declared.parameters}
    return {name: value for name, value in values.items() if value is not None or known[name].required}


def _count_own(declared: Command, words: list[str]) -> int:
    """How many words before the app belong to a command that passes its words on: `-e KEY=VALUE --no-tty`."""
    options = [parameter for parameter in declared.parameters if parameter.place == "option"]
    take_a_word = {parameter.option for parameter in options} | {f"-{parameter.short}" for parameter in options}
    count = 0
    while count < len(words) and words[count].startswith("-") and words[count] != "--":
        count += 2 if words[count] in take_a_word else 1
    return min(count, len(words))


def _read_all(declared: Command, values: dict[str, Any], flags: Flags) -> None:
    """`--all` instead of an app. Raises UsageError for both, and for neither."""
    flags.every_app, parallel = values.pop("all__"), values.pop("parallel__")
    flags.parallel = 1 if parallel is None else parallel
    if flags.every_app and (values["app"] is not None or values.get("processes")):
        raise UsageError("--all is for whole apps, and names none", f"{declared.name} --all")
    if parallel is not None and not flags.every_app:
        raise UsageError("--parallel goes with --all", f"help {declared.name}")
    if values["app"] is None and not flags.every_app:
        raise UsageError("Missing argument 'APP'", f"help {declared.name}")


def _find_flag(values: dict[str, Any]) -> None:
    """`ps:report --running`, and `ps:report --running blog`: what looks like a flag is one."""
    if str(values["app"] or "").startswith("--"):
        values["app"], values["flag"] = values["flag"], values["app"]


def _unknown_option(declared: Command, error: click.NoSuchOption) -> UsageError:
    if error.option_name in ("--global", "--merged"):
        what = "variables" if declared.topic == "config" else "properties"
        return UsageError(f"{error.option_name}: {what} for all apps do not exist here", f"{declared.name} APP ...")
    return UsageError(error.format_message().rstrip("."), f"help {declared.name}")


def _take_app(words: list[str], flags: Flags) -> list[str]:
    """`--app NAME` behind the command."""
    for index, word in enumerate(words):
        if word == "--":
            break
        if word == "--app" and index + 1 < len(words):
            flags.app = words[index + 1]
            return words[:index] + words[index + 2 :]
        if word.startswith("--app="):
            flags.app = word[len("--app=") :]
            return words[:index] + words[index + 1 :]
    return words


def click_command(declared: Command) -> click.Command:
    """The Click command of a declaration; it parses, it prints nothing."""
    picks_line = any(parameter.name == "flag" for parameter in declared.parameters)  # apps:report blog --app-locked
    settings = {"ignore_unknown_options": picks_line, "allow_interspersed_args": not declared.passes_words}
    parameters: list[click.Parameter] = [_click_parameter(parameter, declared) for parameter in declared.parameters]
    taken = {parameter.option for parameter in declared.parameters if parameter.place in ("option", "flag")}
    if "--format" not in taken:
        parameters.append(click.Option(["--format", "format__"], type=str))
    for names in (("--quiet", "-q"), ("--force",)):
        if names[0] not in taken:
            parameters.append(click.Option([*names, f"{names[0][2:]}__"], is_flag=True))
    if declared.takes_all:
        parameters.append(click.Option(["--all", "all__"], is_flag=True))
        parameters.append(click.Option(["--parallel", "parallel__"], type=int))
    return click.Command(declared.name, params=parameters, add_help_option=False, context_settings=settings)


def _click_parameter(parameter: Parameter, declared: Command) -> click.Parameter:
    if parameter.place == "argument":
        is_required = parameter.required and not (parameter.is_app and declared.takes_all)
        return click.Argument([parameter.name], required=is_required, type=str)
    if parameter.place == "rest":
        return click.Argument([parameter.name], nargs=-1, required=False, type=click.UNPROCESSED)
    names = [parameter.name, parameter.option] + ([f"-{parameter.short}"] if parameter.short else [])
    if parameter.place == "flag":
        return click.Option(names, is_flag=True, default=False)
    is_required = parameter.required and not parameter.from_stdin
    return click.Option(names, required=is_required, multiple=parameter.repeats, type=str)


def _format(value: str) -> str:
    if value not in FORMATS:
        raise UsageError(f"--format is {' or '.join(FORMATS)}, not {value[:20]!a}", "help")
    return value
