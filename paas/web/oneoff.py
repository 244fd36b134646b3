"""How does the API run a command to its end? A one-off without a terminal, its output collected up to a limit."""

from __future__ import annotations

from dataclasses import dataclass

from paas.commands.results import InteractiveSession
from paas.commands.sessions import open_ticket
from paas.context import Context
from paas.errors import UnavailableError

LARGEST_OUTPUT = 1_000_000  # bytes of stdout and stderr together


@dataclass(frozen=True)
class NoScreen:
    is_tty: bool = False
    columns: int = 80
    rows: int = 24


def run_to_the_end(ctx: Context, session: InteractiveSession) -> dict[str, object]:
    """`{exit_code, stdout, stderr}`. Above the limit it is killed: UnavailableError (code `output-size`)."""
    line = ctx.on.worker.open_console(open_ticket(ctx, session, NoScreen()))
    output = {"stdout": bytearray(), "stderr": bytearray()}
    try:
        line.send_eof()
        for stream, data in line.frames():
            output[stream] += data
            if sum(map(len, output.values())) > LARGEST_OUTPUT:
                hint = "ssh paas@host run APP COMMAND passes on any amount"
                raise UnavailableError("The command printed more than 1 MB", hint, code="output-size")
        code = line.exit_code()
    finally:
        line.close()
    return {"exit_code": code} | {name: bytes(data).decode("utf-8", "replace") for name, data in output.items()}
