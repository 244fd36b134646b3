"""What can I type? The overview, a topic, and one command, all from the declarations."""

from __future__ import annotations

from collections.abc import Sequence

from paas.commands.declare import REGISTRY, Command, Parameter

GLOBAL_FLAGS = (
    ("--format json", "the answer as JSON"),
    ("--quiet", "no headings and progress"),
    ("--force", "do not ask before a dangerous command"),
    ("--app NAME", "the app, instead of the first word"),
)
FOR_ALL = (
    ("--all", "every deployed app that you may do this to, one after the other"),
    ("--parallel", "with --all: so many at a time, -1: all"),
)


def usage(declared: Command) -> str:
    """`apps:create NAME`: required words in capitals, optional ones in brackets."""
    words = [declared.name]
    options = ("option", "flag") if declared.passes_words else ()  # behind the app they would be the program's own
    for parameter in sorted(declared.parameters, key=lambda parameter: parameter.place not in options):
        shown = parameter.name.rstrip("_").upper().replace("_", "-")
        if parameter.is_app and declared.takes_all:
            words.append(f"({shown}|--all [--parallel COUNT])")
        elif parameter.place == "argument":
            words.append(shown if parameter.required else f"[{shown}]")
        elif parameter.place == "rest":
            words.append(f"[{shown}...]")
        elif parameter.place == "flag":
            words.append(f"[{parameter.option}]")
        elif parameter.repeats:
            words.append(f"[{parameter.option} {shown}...]")
        else:
            words.append(f"{parameter.option} {shown}" if parameter.required else f"[{parameter.option} {shown}]")
    return " ".join(words)


def overview(role: str = "admin") -> str:
    """All topics with their commands, one line each; what only administrators may is left out for others."""
    lines = ["Usage: ssh paas@host COMMAND [WORDS...]", ""]
    for entry in sorted(REGISTRY.values(), key=lambda entry: (entry.topic, entry.name)):
        if entry.allow == "admin" and role != "admin":
            continue
        lines.append(f"  {entry.name:<24} {entry.summary}")
    lines += ["", *(f"  {flag:<24} {text}" for flag, text in GLOBAL_FLAGS), "", "help COMMAND tells more about one."]
    return "\n".join(lines)


def command_help(declared: Command | None, below: Sequence[Command]) -> str:
    """One command whole, and the others of its topic in a line each."""
    lines: list[str] = []
    if declared is not None:
        lines += [f"Usage: {usage(declared)}", "", declared.summary]
        if declared.description:
            lines += ["", declared.description]
        explained = [_explain(parameter) for parameter in declared.parameters if parameter.help]
        explained += [f"  {option:<20} {text}" for option, text in FOR_ALL] if declared.takes_all else []
        if explained:
            lines += ["", *explained]
        if declared.examples:
            lines += ["", *(f"  $ {example}" for example in declared.examples)]
    others = [entry for entry in sorted(below, key=lambda entry: entry.name) if entry is not declared]
    if others and (declared is None or declared.name == declared.topic):
        lines += ([""] if lines else []) + [f"  {usage(entry):<44} {entry.summary}" for entry in others]
    return "\n".join(lines)


def _explain(parameter: Parameter) -> str:
    name = parameter.name.upper().replace("_", "-") if parameter.place in ("argument", "rest") else parameter.option
    return f"  {name:<20} {parameter.help}"
