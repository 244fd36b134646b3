"""What may only be asked at the machine itself, by root? The life of the installation: up, down, status, migrate ...

app.py maps these names to what they do; every other word of `paas` goes to the declared commands.
"""

from __future__ import annotations

from dataclasses import dataclass

from paas.errors import UsageError


@dataclass(frozen=True)
class LocalCommand:
    """`flags`: name -> help; one that ends in = takes a value."""

    name: str
    summary: str
    flags: tuple[tuple[str, str], ...] = ()
    is_hidden: bool = False  # called by the installer and the supervisor, not by people


LOCAL = {
    command.name: command
    for command in (
        LocalCommand("up", "Run web, ssh, worker and nginx in the foreground", (("--detach", "in the background"),)),
        LocalCommand("down", "Stop the platform; apps' containers go on", (("--keep-nginx", "let nginx go on too"),)),
        LocalCommand("restart", "Restart web, ssh and worker; nginx and the apps go on"),
        LocalCommand("status", "Show the platform's processes and their memory", (("--format=", "text or json"),)),
        LocalCommand("doctor", "Look for what is wrong and say what to do", (("--format=", "text or json"),)),
        LocalCommand("setup", "Make users, folders, keys and the empty database"),
        LocalCommand(
            "migrate",
            "Bring the database to this release's form, after a snapshot",
            (("--try", "rehearse only"), ("--back", "put the last snapshot back")),
        ),
        LocalCommand(
            "base", "Make the base images that buildpacks need", (("--all", "all of them, not only Python's"),)
        ),
        LocalCommand("wait", "Wait until every process answers", is_hidden=True),
        LocalCommand("plan", "Print what the supervisor runs", is_hidden=True),
        LocalCommand(
            "teardown", "Stop for good; deploy/uninstall calls it", (("--purge", "with all in Docker"),), is_hidden=True
        ),
    )
}


def read_flags(command: LocalCommand, words: list[str]) -> dict[str, str]:
    """Flags by name; "yes" for those without a value. Raises UsageError."""
    known = dict(command.flags)
    found: dict[str, str] = {}
    left = list(words)
    while left:
        word, equals, value = left.pop(0).partition("=")
        if f"{word}=" in known:
            if not equals and not left:
                raise UsageError(f"{word} needs a value", f"paas {command.name} {word} ...")
            found[word] = value if equals else left.pop(0)
        elif word in known and not equals:
            found[word] = "yes"
        else:
            usage = " ".join([f"paas {command.name}", *(f"[{flag}]" for flag in known)])
            raise UsageError(f"{word[:40]!a} is not known here", usage)
    return found
