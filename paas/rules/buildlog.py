"""What of BuildKit's plain progress is for people?

The step headings (`Step 3/7 : RUN npm ci`) and what the user's own commands print; not digests, timings and the
engine's inner steps. Reads the output of Engine 20.10's `docker build --progress=plain` as well as of buildx.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

TAIL_LINES = 15
EXPLAINED_LINES = 200  # npm says first what is wrong, then its whole usage
LONGEST_LINE = 4_000

_VERTEX = re.compile(r"#(\d+) (.*)", re.DOTALL)
_STEP = re.compile(r"\[(?:(?P<stage>[^\]\s]+) )?\s*(?P<number>\d+)/(?P<total>\d+)\] (?P<text>.*)", re.DOTALL)
_MOUNTS = re.compile(r"RUN (?:--mount=\S+ )+")  # caches, secrets and our certificates: how, not what
_OUTPUT = re.compile(r"\d+\.\d+(?: (.*))?", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_OTHER_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_a-z0-9=>()].?)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Without control characters, except colours (SGR), which are closed at the end of the line."""
    text = text.rstrip("\r\n").rpartition("\r")[2][:LONGEST_LINE]
    parts: list[str] = []
    position = 0
    for match in _COLOUR.finditer(text):
        parts += [_plain(text[position : match.start()]), match[0]]
        position = match.end()
    parts.append(_plain(text[position:]))
    has_colour = len(parts) > 1 and parts[-2] not in ("\x1b[0m", "\x1b[m")
    return "".join(parts) + ("\x1b[0m" if has_colour else "")


def _plain(text: str) -> str:
    return _CONTROL.sub("", _OTHER_ESCAPE.sub("", text)).replace("\x1b", "")


@dataclass
class _Vertex:
    heading: str = ""
    is_said: bool = False
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=EXPLAINED_LINES))


class BuildLog:
    """Takes raw lines, gives lines for people; remembers what a failure needs."""

    def __init__(self) -> None:
        self._vertices: dict[str, _Vertex] = {}
        self._pending: list[_Vertex] = []
        self._last: _Vertex | None = None
        self._rest: deque[str] = deque(maxlen=60)
        self.failed_step = ""
        self.failure = ""
        self.remote_add = ""  # a base image's ONBUILD trigger that lets the engine fetch a URL

    def feed(self, raw: str) -> list[str]:
        """One line of the client's output; the lines to print now."""
        match = _VERTEX.fullmatch(raw.rstrip("\n"))
        if match:
            return self._feed_vertex(match[1], match[2])
        line = harmless(raw)
        if line.strip():
            self._rest.append(line)
        return []

    def flush(self) -> list[str]:
        """Headings that waited for word of the cache; called when the client is silent."""
        lines = [vertex.heading for vertex in self._pending if not vertex.is_said]
        for vertex in self._pending:
            vertex.is_said = True
        self._pending.clear()
        return lines

    @property
    def error(self) -> str:
        """The client's last word: `failed to solve: ...`."""
        errors = [
            line for line in self._rest if not line.startswith(("---", " > ", "Dockerfile:")) and "|" not in line[:8]
        ]
        return errors[-1] if errors else ""

    @property
    def tail(self) -> tuple[str, ...]:
        """The failed step's last lines."""
        return self.output[-TAIL_LINES:]

    @property
    def output(self) -> tuple[str, ...]:
        """More of them, among which the cause is."""
        return tuple(self._last.tail) if self._last else ()

    def _feed_vertex(self, number: str, text: str) -> list[str]:
        vertex = self._vertices.get(number)
        if vertex is None:
            vertex = self._vertices[number] = _Vertex(self._heading(text))
            if vertex.heading:
                self._pending.append(vertex)
            return []
        output = _OUTPUT.fullmatch(text)
        if output:
            return self._feed_output(number, vertex, output[1] or "")
        if text.startswith("CACHED") and vertex.heading and not vertex.is_said:
            vertex.is_said = True
            return [f"{vertex.heading} (cached)"]
        if text.startswith("ERROR"):
            self.failed_step = vertex.heading or self.failed_step
            self.failure = harmless(text.partition(":")[2].strip())
            self._last = vertex
            return self._say_heading(vertex)
        return self._say_heading(vertex) if text.startswith("DONE") else []

    def _feed_output(self, number: str, vertex: _Vertex, text: str) -> list[str]:
        # Output that ends without a newline has the step's end on its own line: `done#5 ERROR: ...`.
        glued = re.fullmatch(rf"(.*)#{number} ((?:DONE \d|ERROR: ).*)", text)
        line = harmless(glued[1] if glued else text)
        if line.strip():
            vertex.tail.append(line)
        self._last = vertex if not self.failed_step else self._last
        return [*self._say_heading(vertex), line, *(self._feed_vertex(number, glued[2]) if glued else [])]

    def _heading(self, text: str) -> str:
        match = _STEP.fullmatch(text)
        if not match:
            return ""
        what = _MOUNTS.sub("RUN ", re.sub(r"\s+", " ", harmless(match["text"])))
        if re.match(r"ADD .*(?:://|git@)", what):
            self.remote_add = what
        stage = f" ({match['stage']})" if match["stage"] and not match["stage"].startswith("stage-") else ""
        return f"Step {match['number']}/{match['total']}{stage} : {what}"

    def _say_heading(self, vertex: _Vertex) -> list[str]:
        if vertex.is_said or not vertex.heading:
            return []
        vertex.is_said = True
        return [vertex.heading]
