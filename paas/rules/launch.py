"""How is a process line started inside its image?

In an image of ours (made by a buildpack) bash is there and no ENTRYPOINT is, so a line means what it means on Heroku.

In a user's image (made by a Dockerfile) a line takes the place of CMD and goes through the image's ENTRYPOINT, as with
`docker run IMAGE WORDS` and on Dokku: an entrypoint that prepares and then does `exec "$@"` works. One exception: an
ENTRYPOINT in shell form (`/bin/sh -c ...`) drops all words after it, so that a worker would quietly run the web server;
it is cleared. A line without shell syntax is split into words and needs no shell in the image.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from paas.errors import BadInputError, DeployError

OUR_SHELL = "/bin/bash"
THEIR_SHELL = "/bin/sh"

_SHELL_SYNTAX = re.compile(r"[$`;&|<>(){}*?\[\]~!#\n]")
_JOINS_COMMANDS = re.compile(r"[`;&|(){}!#\n]")  # `exec` before these would cut the line short
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)
_BUILTINS = frozenset(
    {".", ":", "alias", "break", "case", "cd", "command", "eval", "exec", "exit", "export", "for", "if", "read"}
    | {"return", "set", "shift", "source", "test", "time", "times", "trap", "type", "ulimit", "umask", "unset", "until"}
    | {"wait", "while"}
)


def process_command(text: str, *, is_ours: bool) -> tuple[str, ...]:
    """The words that start the process line `text`.

    The shell is replaced by the process where the line allows it, so that SIGTERM reaches the process itself. Raises
    BadInputError (code `procfile`) for a line whose quotes do not close.
    """
    if not is_ours and not _needs_shell(text):
        return tuple(_words(text))
    return (OUR_SHELL if is_ours else THEIR_SHELL, "-c", _with_exec(text))


def process_entrypoint(image_entrypoint: Sequence[str], *, is_ours: bool) -> tuple[str, ...] | None:
    """ContainerSpec.entrypoint of a process with a command: None keeps the image's, () clears it."""
    if is_ours:
        return ()
    is_shell_form = len(image_entrypoint) == 3 and tuple(image_entrypoint[:2]) == (THEIR_SHELL, "-c")
    return () if is_shell_form else None


def explain_missing_shell(text: str, engine_message: str) -> DeployError | None:
    """What to tell when the engine could not start `text` because the image has no shell; None for other causes."""
    if "no such file" not in engine_message.lower() or THEIR_SHELL not in engine_message:
        return None
    return DeployError(
        f"The image has no {THEIR_SHELL}, which the line {text!r} needs",
        "write the Procfile line without $, quotes inside words, pipes and the like, or leave it to the image's CMD",
        code="no-shell",
    )


def _words(text: str) -> list[str]:
    has_comment = re.search(r"(?:^|\s)#", text) is not None  # whose apostrophes are no quotes
    try:
        return shlex.split(text, comments=has_comment)
    except ValueError as error:
        raise BadInputError(f"Procfile: {text[:60]!r}: {error}", "close the quotes", code="procfile") from None


def _needs_shell(text: str) -> bool:
    words = _words(text)
    return bool(
        not words
        or _SHELL_SYNTAX.search(_outside_single_quotes(text))
        or _ASSIGNMENT.match(words[0])
        or words[0] in _BUILTINS
    )


def _with_exec(text: str) -> str:
    words = _words(text)
    if not words or words[0] in _BUILTINS or _JOINS_COMMANDS.search(_outside_quotes(text)):
        return text
    return f"exec env {text}" if _ASSIGNMENT.match(text) else f"exec {text}"


def _outside_single_quotes(text: str) -> str:
    return re.sub(r"'[^']*'", "", text)


def _outside_quotes(text: str) -> str:
    """`text` without quoted parts and without `${...}`, whose braces join nothing."""
    text = re.sub(r"\"(?:[^\"\\]|\\.)*\"", "", _outside_single_quotes(text))
    return re.sub(r"\\.|\$\{[^}]*\}|\$[#!]", "", text)
