"""logs - what an app's processes print, kept over redeploys: the last lines, or all as they come."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from typing import Annotated

from paas.commands.declare import Help, Short, command
from paas.commands.present import harmless_log
from paas.commands.results import LineStream
from paas.commands.words import TheApp
from paas.context import Context, Platform
from paas.errors import BadInputError
from paas.rules.logline import LogRecord, parse_record
from paas.rules.names import log_folder

MOST_LINES = 1_000_000
LOOK_AGAIN = 1.0  # seconds between looks for the logs of new copies


@command("logs", allow="view", api="GET /apps/{app}/logs")
def logs(
    ctx: Context,
    app: TheApp,
    *,
    num: Annotated[int, Short("n"), Help("how many lines")] = 100,
    tail: Annotated[bool, Short("t"), Help("go on with lines as they come")] = False,
    ps: Annotated[str, Short("p"), Help("only this process: web, or web.1")] = "",
    quiet: Annotated[bool, Short("q"), Help("only what was printed: no times, no names")] = False,
) -> LineStream:
    """Print the last lines of an app's processes.

    $ ssh paas@host logs blog -t -p web
    """
    if not 0 <= num <= MOST_LINES:
        raise BadInputError(f"From 0 to {MOST_LINES} lines", f"logs {app.name} -n 100", code="log-lines")
    return LineStream(_lines(_records(ctx.on, log_folder(app.id), ps, num, tail), quiet))


def _lines(records: Generator[LogRecord | None, None, None], is_quiet: bool) -> Iterator[str | None]:
    with contextlib.closing(records):
        for record in records:
            if record is None:
                yield None
            else:
                yield harmless_log(record.text) if is_quiet else show_record(record)


def _records(
    on: Platform, folder: str, process: str, count: int, is_tail: bool
) -> Generator[LogRecord | None, None, None]:
    offsets = {name: on.logs.size(name) for name in _files(on, folder, process)}
    records: list[LogRecord] = []
    for name in offsets:
        records += [record for line in on.logs.tail(name, count) if (record := parse_record(line))]
    records.sort(key=lambda record: record.timestamp)
    yield from records[len(records) - min(count, len(records)) :]
    if is_tail:
        yield from _follow(on, folder, process, offsets)


def _files(on: Platform, folder: str, process: str) -> list[str]:
    """The logs of a process ("web": all its copies; "web.1": one; "": all)."""
    names = on.logs.files(folder)
    copies = {name: name.rpartition("/")[2].removesuffix(".log") for name in names}
    return [name for name, copy in copies.items() if not process or process in (copy, copy.rpartition(".")[0])]


def _follow(on: Platform, folder: str, process: str, offsets: dict[str, int]) -> Iterator[LogRecord | None]:
    """One thread per file reads it; a None lets the door see whether its client is still there."""
    lines: queue.Queue[LogRecord] = queue.Queue(10_000)
    over = threading.Event()
    followed: set[str] = set()

    def read(name: str, offset: int) -> None:
        rest = b""
        for _after, chunk in on.logs.follow(name, offset, over.is_set, LOOK_AGAIN):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                record = parse_record(line.decode("utf-8", "replace"))
                while record and not over.is_set():
                    try:
                        lines.put(record, timeout=LOOK_AGAIN)
                        break
                    except queue.Full:
                        continue
            if over.is_set():
                return

    try:
        while True:
            for name in set(_files(on, folder, process)) - followed:
                followed.add(name)
                threading.Thread(target=read, args=(name, offsets.get(name, 0)), daemon=True).start()
            try:
                yield lines.get(timeout=LOOK_AGAIN)
            except queue.Empty:
                yield None
    finally:
        over.set()


def show_record(record: LogRecord) -> str:
    """`2026-01-02T03:04:05.678901234Z app[web.1]: text`, as Heroku and Dokku print it."""
    source = "paas" if record.stream == "platform" else "app"
    return f"{record.timestamp} {source}[{record.process}]: {harmless_log(record.text)}"
