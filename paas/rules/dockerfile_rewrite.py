"""How is a user's Dockerfile handed to BuildKit?

Each instruction as **one** line, so that no engine can read it differently than we did; `Rewritten` translates line
numbers back. What we add:

- `ARG PAAS_CACHE_KEY` after every FROM: layers of one app are never served to another (its value is an HMAC).
- where the host has extra CA certificates, variables that name them and a secret mount for every RUN: neither stays in
  the image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from paas.rules.dockerfile import Dockerfile, Instruction, refusal

CACHE_KEY = "PAAS_CACHE_KEY"
CERTIFICATES_SECRET = "paas-ca"  # noqa: S105 - the name of a mount; no config key holds a hyphen, so none collides
CERTIFICATES_PATH = "/run/paas/ca.pem"  # not below /run/secrets, where buildpacks export all that they find
CERTIFICATES_MOUNT = f"--mount=type=secret,id={CERTIFICATES_SECRET},target={CERTIFICATES_PATH},mode=0444"
CERTIFICATES_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL, Go, Python, uv
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",  # node, npm, yarn, pnpm
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
)

_OUR_FRONTEND = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?", re.ASCII
)


@dataclass(frozen=True)
class Rewritten:
    """What BuildKit reads. `lines[n - 1]`: the user's line that stands in line n of `text`, 0 for one of ours."""

    text: bytes
    lines: tuple[int, ...]

    def original_line(self, line: int) -> int:
        for index in range(min(line, len(self.lines)) - 1, -1, -1):
            if self.lines[index]:
                return self.lines[index]
        return 1


def rewrite(dockerfile: Dockerfile, *, with_certificates: bool = False) -> Rewritten:
    """One line for each instruction, with our lines after every FROM."""
    output: list[str] = []
    origins: list[int] = []

    def emit(text: str, origin: int) -> None:
        output.append(text)
        origins.append(origin)

    # Anything but a directive ends BuildKit's search for directives: no later line can name a frontend.
    emit(f"# escape={dockerfile.escape}", 0)
    emit("#", 0)
    for instruction in dockerfile.instructions:
        emit(_with_mount(instruction) if with_certificates else instruction.text, instruction.line)
        for offset, line in enumerate(instruction.body, 1):
            emit(line, instruction.last_line - len(instruction.body) + offset)
        if instruction.keyword == "FROM":
            emit(f"ARG {CACHE_KEY}", 0)
            if with_certificates:
                for variable in CERTIFICATES_VARIABLES:
                    emit(f"ARG {variable}={CERTIFICATES_PATH}", 0)
    return Rewritten(("\n".join(output) + "\n").encode("utf-8", "surrogateescape"), tuple(origins))


def syntax_notice(dockerfile: Dockerfile, name: str = "Dockerfile") -> str:
    """What to print when a `# syntax=` line is dropped. Raises BuildError for another frontend than Docker's own."""
    if not dockerfile.syntax:
        return ""
    if not _OUR_FRONTEND.fullmatch(dockerfile.syntax):
        raise refusal(
            name,
            1,
            f"the frontend {dockerfile.syntax[:100]!a} is not allowed",
            "remove the syntax line: a foreign frontend may read every app's build cache",
            code="dockerfile-frontend",
        )
    return f"{name}: the line syntax={dockerfile.syntax} is ignored, the engine's own frontend builds"


def with_original_lines(message: str, rewritten: Rewritten) -> str:
    """`dockerfile parse error line 7` and `on line 7` speak of what BuildKit read; here of the user's file."""
    return re.sub(
        r"\b(on |error )line (\d{1,6})\b",
        lambda match: f"{match[1]}line {rewritten.original_line(int(match[2]))}",
        message,
        flags=re.ASCII,
    )


def _with_mount(instruction: Instruction) -> str:
    if instruction.keyword != "RUN":
        return instruction.text
    return " ".join(part for part in ("RUN", CERTIFICATES_MOUNT, instruction.flags_text, instruction.rest) if part)
