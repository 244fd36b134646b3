"""What does a user's Dockerfile say?

Reads as BuildKit's own parser does (moby/buildkit, frontend/dockerfile/parser): directives, continuation lines,
comments, flags, here-documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from paas.errors import BuildError

_SHAPE = ("FROM", "ARG", "ONBUILD", "SHELL", "RUN", "COPY", "ADD", "WORKDIR", "USER", "ENV")
_FACTS = ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL", "VOLUME")
INSTRUCTIONS = frozenset((*_SHAPE, *_FACTS))
LONGEST_INSTRUCTION = 60_000  # BuildKit reads lines of at most 64 KiB
LARGEST_DOCKERFILE = 1_000_000

# unicode.IsSpace of Go; Python's isspace() knows four more.
_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_DIRECTIVE = re.compile(r"#[\t\n\f\r ]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*", re.ASCII)
_KEYWORD = re.compile(r"([^\t\v\f\r ]+)(?:[\t\v\f\r ]+(.*))?", re.DOTALL)
_HEREDOC = re.compile(r"\d*<<(-?)(?:\"([^\"<]+)\"|'([^'<]+)'|([^<\"'\s]+))")
_WORD = re.compile(r"(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\.|[^\s\"'\\])+")


@dataclass(frozen=True)
class Instruction:
    """`line` and `last_line` count from 1 in the user's file; `body` holds the lines of its here-documents."""

    line: int
    last_line: int
    keyword: str  # upper case
    flags: tuple[str, ...]  # "--from=builder", unquoted
    flags_text: str  # as written
    rest: str  # after the flags
    body: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.keyword, self.flags_text, self.rest) if part)

    def flag(self, name: str) -> list[str]:
        """Values of `--name=value`."""
        return [flag.partition("=")[2] for flag in self.flags if flag.partition("=")[0] == f"--{name}"]


@dataclass(frozen=True)
class Dockerfile:
    escape: str
    syntax: str  # the frontend that it names, "" without
    instructions: tuple[Instruction, ...] = field(default_factory=tuple)


def read_dockerfile(content: bytes, name: str = "Dockerfile") -> Dockerfile:
    """Read it. Raises BuildError (code `dockerfile`) that names the line."""
    if len(content) > LARGEST_DOCKERFILE:
        raise refusal(name, 0, f"it has {len(content):,} bytes, at most {LARGEST_DOCKERFILE:,} are read")
    text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    directives = _read_directives(lines, name)
    escape = directives.get("escape", "\\")
    if escape not in ("\\", "`"):
        raise refusal(name, 1, f"escape={escape} is neither \\ nor `")
    instructions = tuple(_read_instructions(lines, escape, name))
    if not any(instruction.keyword == "FROM" for instruction in instructions):
        raise refusal(name, 0, "it has no FROM line", "begin it with the image to build on: FROM debian:bookworm")
    return Dockerfile(escape, directives.get("syntax", ""), instructions)


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME:+word}`; what is not understood stays as it is."""

    def value_of(match: re.Match[str]) -> str:
        name, operator, word = match["name"] or match["plain"], match["operator"], match["word"] or ""
        value = values.get(name, "")
        if operator in (":-", "-"):
            return value or word
        if operator in (":+", "+"):
            return word if value else ""
        return value

    pattern = r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-+])(?P<word>[^{}]*))?\})"
    return re.sub(pattern, value_of, text, flags=re.ASCII)


def words_of(text: str) -> list[str]:
    """Split at spaces outside of quotes."""
    return _WORD.findall(text)


def refusal(name: str, line: int, what: str, hint: str = "", *, code: str = "dockerfile") -> BuildError:
    place = f"{name} line {line}" if line else name
    return BuildError(f"{place}: {what}", hint, code=code)


def _read_directives(lines: Sequence[str], name: str) -> dict[str, str]:
    """The leading comments of the form `# key=value`, and a refusal of BuildKit's other ways to name a frontend."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if number == 1 and line.startswith("#!"):
            continue
        match = _DIRECTIVE.fullmatch(line)
        if not match:
            if line.startswith("//") or line.lstrip(_GO_SPACE).startswith("{"):
                raise refusal(name, number, f"unknown instruction: {line.strip()[:40]!a}")
            break
        key = match[1].lower()
        if key in found:
            raise refusal(name, number, f"only one {key} directive can be used")
        found[key] = match[2]
    return found


def _read_instructions(lines: Sequence[str], escape: str, name: str) -> Iterator[Instruction]:
    continued = re.compile(re.escape(escape) + r"[ \t]*\Z")
    index = 0
    while index < len(lines):
        first = index
        line = lines[index].lstrip(_GO_SPACE)
        index += 1
        if not line or line.startswith("#"):
            continue
        parts: list[str] = []
        while True:
            end = continued.search(line)
            parts.append(line[: end.start()] if end else line)
            if not end:
                break
            while index < len(lines) and (not (bare := lines[index].lstrip(_GO_SPACE)) or bare.startswith("#")):
                index += 1
            if index == len(lines):
                break
            line = lines[index]
            index += 1
        text = "".join(parts).strip(_GO_SPACE)
        if text:
            instruction = _read_instruction(text, first + 1, index, escape, name)
            body = _read_heredocs(instruction, lines[index:], name)
            index += len(body)
            yield Instruction(
                instruction.line,
                index,
                instruction.keyword,
                instruction.flags,
                instruction.flags_text,
                instruction.rest,
                body,
            )


def _read_instruction(text: str, line: int, last_line: int, escape: str, name: str) -> Instruction:
    if len(text) > LONGEST_INSTRUCTION:
        raise refusal(name, line, f"the instruction is longer than {LONGEST_INSTRUCTION:,} characters")
    if "\0" in text:
        raise refusal(name, line, "it holds a NUL character")
    if text.endswith(escape):
        # Engines disagree about an escaped escape character at the end of a line: some go on with the next line.
        raise refusal(
            name, line, f"it ends in {escape}{escape}", "put the text in quotes or a space before the last one"
        )
    match = _KEYWORD.fullmatch(text)
    keyword = match[1].upper() if match else ""
    if not match or keyword not in INSTRUCTIONS:
        raise refusal(
            name,
            line,
            f"unknown instruction: {keyword[:40]!a}",
            f"the instructions are {', '.join(sorted(INSTRUCTIONS))}",
        )
    flags, flags_text, rest = split_flags(match[2] or "")
    return Instruction(line, last_line, keyword, flags, flags_text, rest)


def split_flags(text: str) -> tuple[tuple[str, ...], str, str]:
    """Leading `--flag` words: (unquoted, as written, what follows). Follows parser.extractBuilderFlags."""
    words: list[str] = []
    position = 0
    while True:
        start = position
        while start < len(text) and text[start] in _GO_SPACE:
            start += 1
        if not text.startswith("--", start):
            return tuple(words), text[:position].strip(_GO_SPACE), text[start:]
        word, position = _read_flag(text, start)
        if word == "--":
            return tuple(words), text[:position].strip(_GO_SPACE), text[position:].lstrip(_GO_SPACE)
        words.append(word)


def _read_flag(text: str, position: int) -> tuple[str, int]:
    word, quote = "", ""
    while position < len(text):
        character = text[position]
        if not quote and character in _GO_SPACE:
            break
        if character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        elif character == "\\" and position + 1 < len(text):
            position += 1
            word += text[position]
        else:
            word += character
        position += 1
    return word, position


def heredocs_of(instruction: Instruction) -> list[tuple[str, bool]]:
    """(terminator, leading tabs are stripped) of each here-document that an ADD, COPY or RUN opens."""
    keyword, text = instruction.keyword, instruction.rest
    if keyword == "ONBUILD":
        keyword, _, text = text.partition(" ")
    if keyword.upper() not in ("ADD", "COPY", "RUN") or text.startswith("["):
        return []
    matches = (_HEREDOC.fullmatch(word) for word in _WORD.findall(text))
    return [(match[2] or match[3] or match[4], bool(match[1])) for match in matches if match]


def _read_heredocs(instruction: Instruction, following: Sequence[str], name: str) -> tuple[str, ...]:
    index = 0
    for terminator, strips_tabs in heredocs_of(instruction):
        while index < len(following):
            line = following[index].lstrip("\t") if strips_tabs else following[index]
            index += 1
            if line == terminator:
                break
        else:
            raise refusal(name, instruction.line, f"the here-document {terminator!a} has no end")
    return tuple(following[:index])
