"""Which processes does a Procfile name?

Heroku's grammar (devcenter.heroku.com/articles/procfile): one `<process type>: <command>` on each line. Empty lines and
lines that begin with `#` are skipped; a byte order mark, CRLF and tabs are taken as editors leave them. Where Heroku
ignores a line that it cannot read, we name it: a process that silently does not run is worse than a refused push.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from paas.errors import BadInputError
from paas.rules.names import TYPE_RELEASE_TASK, TYPE_RUN, check_process_type

PROCFILE = "Procfile"
LARGEST_PROCFILE = 64_000  # bytes
LONGEST_COMMAND = 8_000  # characters; Linux takes 128 KiB for one word
MOST_PROCESSES = 32


@dataclass(frozen=True)
class Procfile:
    """`processes` in the file's order, without the `release:` line, which is a task and no process."""

    processes: Mapping[str, str] = field(default_factory=dict)
    release: str | None = None


def parse_procfile(content: bytes) -> Procfile:
    """Read a Procfile. Raises BadInputError (code `procfile`) that names the line and the reason."""
    commands: dict[str, str] = {}
    first_line: dict[str, int] = {}
    for number, line in enumerate(_decode(content).split("\n"), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        process_type, command = _read_line(line, number)
        if process_type in commands:
            raise _refusal(number, f"{process_type} is already declared in line {first_line[process_type]}")
        commands[process_type] = command
        first_line[process_type] = number
    if len(commands) > MOST_PROCESSES:
        raise BadInputError(f"Procfile: {len(commands)} processes, at most {MOST_PROCESSES} are run", code="procfile")
    return Procfile(release=commands.pop(TYPE_RELEASE_TASK, None), processes=commands)


def _decode(content: bytes) -> str:
    if len(content) > LARGEST_PROCFILE:
        raise BadInputError(
            f"Procfile: {len(content):,} bytes, at most {LARGEST_PROCFILE:,} are read",
            "a Procfile has one short line for each process",
            code="procfile",
        )
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(line, "it is not UTF-8") from None


def _read_line(line: str, number: int) -> tuple[str, str]:
    process_type, colon, command = line.partition(":")
    process_type, command = process_type.strip(), command.strip()
    if not colon:
        raise _refusal(number, f"there is no colon in {line[:40]!a}")
    try:
        check_process_type(process_type)
    except BadInputError as error:
        raise _refusal(number, error.message, error.hint) from None
    if process_type == TYPE_RUN:
        raise _refusal(number, f"the name {TYPE_RUN} is kept for one-off commands", "choose another name")
    if not command:
        raise _refusal(number, f"{process_type} has no command")
    if len(command) > LONGEST_COMMAND:
        raise _refusal(number, f"the command has {len(command):,} characters, at most {LONGEST_COMMAND:,} are taken")
    if any(character < " " and character != "\t" for character in command):
        raise _refusal(number, "the command holds a control character")
    try:
        shlex.split(command, comments=True)
    except ValueError as error:  # the shell would say so, but only after the build
        raise _refusal(number, f"{str(error).lower()} in the command", "close the quotes") from None
    return process_type, command


def _refusal(number: int, reason: str, hint: str = "") -> BadInputError:
    hint = hint or "write one process on each line: web: gunicorn app:app"
    return BadInputError(f"Procfile line {number}: {reason}", hint, code="procfile")
