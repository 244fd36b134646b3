"""From the words of a terminal to a command and back: what `ssh paas@host ...` and `paas ...` share.

Suggestions, help, questions and the shape of answers are the same for all commands; parse.py reads the words.
"""

from __future__ import annotations

import difflib
from typing import Any, Protocol

from paas.commands import present
from paas.commands.call import call
from paas.commands.catalog import REGISTRY
from paas.commands.declare import ALIASES, Command, find
from paas.commands.everyapp import batches, every_app
from paas.commands.follow import follow_lines, outcome_of
from paas.commands.help import command_help, overview
from paas.commands.parse import Flags, parse, split_flags
from paas.commands.results import Done, Exists, InteractiveSession, JobStarted, LineStream, Text
from paas.commands.sessions import open_ticket
from paas.context import Context
from paas.errors import PaasError, UnknownCommandError, UsageError
from paas.ports import ConsoleLine

LONGEST_STDIN = 2_000_000


class Terminal(Protocol):
    """The caller's end: an SSH channel or this process's own terminal."""

    is_tty: bool
    colours: bool  # may what is written be marked (rules/colour.py)? Turned off for what a program reads
    columns: int
    rows: int

    def write(self, text: str) -> None: ...

    def write_error(self, text: str) -> None: ...

    def read_line(self) -> str | None:
        """One line from the caller; None when nobody answers."""

    def read_all(self, limit: int) -> str:
        """What the caller sends until its end, for commands that take a text. Raises BadInputError above `limit`."""

    def is_gone(self) -> bool: ...

    def bridge(self, line: ConsoleLine) -> int:
        """Connect the caller to a container until it ends; its exit code."""


def run(words: list[str], ctx: Context, terminal: Terminal) -> int:
    """Run one command for this caller; its exit code. Says every refusal in one or two lines on stderr."""
    flags = Flags()
    try:
        flags = split_flags(words)
        return _run(flags, ctx, terminal)
    except PaasError as error:
        say_no(error, flags, terminal)
        return error.exit_code


def say_no(error: PaasError, flags: Flags, terminal: Terminal) -> None:
    _choose_colours(flags, terminal)
    if flags.format == "json":
        terminal.write_error(present.as_json(error.as_dict()) + "\n")
        return
    terminal.write_error(f" !     {error.message}  [{error.code}]\n")
    if error.hint:
        terminal.write_error(f" !     {error.hint}\n")


def _run(flags: Flags, ctx: Context, terminal: Terminal) -> int:
    if not flags.rest or flags.rest[0] in ("help", "--help", "-h"):
        return _help(flags.rest[1:], ctx, terminal)
    name, *words = flags.rest
    if name == "--version":
        name = "version"
    declared = find(name)
    if declared is None and name.endswith(":help"):
        return _help([name.removesuffix(":help")], ctx, terminal)
    if declared is None:
        raise unknown(name)
    if words in (["--help"], ["-h"]):
        return _help([name], ctx, terminal)
    values = parse(declared, words, flags)
    _choose_colours(flags, terminal)
    if flags.every_app:
        return _run_for_all(declared, values, flags, ctx, terminal)
    for parameter in declared.parameters:
        if parameter.from_stdin and values.get(parameter.name) is None:
            values[parameter.name] = terminal.read_all(LONGEST_STDIN)
    if declared.is_dangerous and not flags.force:
        confirm(declared, values, terminal)
    heading = declared.heading.format(app=values.get("app", ""))
    return answer(declared, call(declared.name, ctx, values), flags, ctx, terminal, heading)


def _run_for_all(declared: Command, values: dict[str, Any], flags: Flags, ctx: Context, terminal: Terminal) -> int:
    """One app's refusal or failure stops no other; the exit code tells of it."""
    code = 0
    for names in batches(every_app(declared, ctx), flags.parallel):
        if terminal.is_gone():
            return 1
        started = []
        for name in names:
            try:
                started.append(call(declared.name, ctx, {**values, "app": name}))
            except PaasError as error:
                say_no(error, flags, terminal)
                code = 1
        for result in started:
            code = max(code, answer(declared, result, flags, ctx, terminal))
    return code


def _choose_colours(flags: Flags, terminal: Terminal) -> None:
    terminal.colours = terminal.colours and flags.format == "text" and not flags.quiet


def _help(words: list[str], ctx: Context, terminal: Terminal) -> int:
    if not words:
        terminal.write(overview(ctx.caller.role) + "\n")
        return 0
    topic = words[0]
    declared = find(topic)
    below = [entry for entry in REGISTRY.values() if entry.topic == topic]
    if declared is None and not below:
        raise unknown(topic)
    terminal.write(command_help(declared, below) + "\n")
    return 0


def unknown(name: str) -> UnknownCommandError:
    """Names the nearest commands."""
    near = difflib.get_close_matches(name, [*REGISTRY, *ALIASES], n=3, cutoff=0.6)
    hint = "did you mean " + " or ".join(near) + "?" if near else "help lists them all"
    return UnknownCommandError(f"{name[:60]!a} is not a command", hint)


def confirm(declared: Command, values: dict[str, Any], terminal: Terminal) -> None:
    """Ask for the app's name; raises UsageError when it is not given."""
    subject = str(values.get(declared.app_parameter.name if declared.app_parameter else "name") or "")
    terminal.write_error(f" !     WARNING: {declared.summary}\n")
    terminal.write_error(f" !     To proceed, type {subject!a}: ")
    said = terminal.read_line()
    if said is None or said.strip() != subject:
        terminal.write_error("\n" if said is None else "")
        raise UsageError(
            "Confirmation did not match, nothing was changed", f"{declared.name} {subject} --force", code="unconfirmed"
        )


def answer(declared: Command, result: Any, flags: Flags, ctx: Context, terminal: Terminal, heading: str = "") -> int:
    """Write a result as this caller wants it; the exit code."""
    if isinstance(result, JobStarted):
        return _follow(result, flags, ctx, terminal)
    if isinstance(result, InteractiveSession):
        return terminal.bridge(ctx.on.worker.open_console(open_ticket(ctx, result, terminal)))
    if isinstance(result, LineStream | Text):
        terminal.colours = False  # others' words: a log, a value
    if isinstance(result, LineStream):
        for line in result.lines:
            if terminal.is_gone():
                break
            if line is not None:
                terminal.write(line + "\n")
        return 0
    if flags.format == "json":
        terminal.write(present.as_json(result) + "\n")
    elif isinstance(result, Text):
        terminal.write(result.text + ("\n" if result.ends_line else ""))
    elif isinstance(result, Done):
        if not flags.quiet and result.message:
            terminal.write(f"-----> {result.message}\n")
    elif isinstance(result, Exists):
        if result.message and not flags.quiet:
            terminal.write(result.message + "\n")
    else:
        _write_text(declared, result, flags, terminal, heading)
    return 0 if not isinstance(result, Exists) or result.answer else 1


def _write_text(declared: Command, result: Any, flags: Flags, terminal: Terminal, heading: str) -> None:
    subject = str(getattr(result, "app", None) or getattr(result, "name", None) or "")
    text = declared.show(result) if declared.show else present.as_text(result, f"{subject} {_topic(declared)}".strip())
    text = "\n".join(part for part in (heading, text) if part)
    if flags.quiet:
        text = "\n".join(line for line in text.splitlines() if not line.startswith(("=====>", "----->")))
    if text:
        terminal.write(text + "\n")


def _topic(declared: Command) -> str:
    """As Dokku heads its reports: `blog app information`."""
    return f"{declared.topic.removesuffix('s')} information"


def _follow(started: JobStarted, flags: Flags, ctx: Context, terminal: Terminal) -> int:
    if started.message and not flags.quiet and flags.format == "text":
        (terminal.write_error if started.answer else terminal.write)(f"-----> {started.message}\n")
    if not started.is_followed:
        terminal.write((present.as_json(started) if flags.format == "json" else started.answer) + "\n")
        return 0
    has_spoken = False
    for line in follow_lines(ctx.on, started.job_id):
        if terminal.is_gone():
            return 0
        if line is not None and not flags.quiet and flags.format == "text":
            has_spoken = True
            say = terminal.write_error if line.startswith(" !") else terminal.write  # what goes wrong is no result
            say(line + "\n")
    outcome = outcome_of(ctx.on, started.job_id)
    if flags.format == "json":
        terminal.write(present.as_json(outcome) + "\n")
    elif outcome is not None and not outcome.succeeded and not has_spoken:
        say_no(PaasError(outcome.message, outcome.hint, code=outcome.code), flags, terminal)
    return 0 if outcome is not None and outcome.succeeded else 1
