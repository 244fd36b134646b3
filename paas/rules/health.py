"""Is a new copy healthy, and when it is not, what may have gone wrong?

Without checks in app.json the web process must accept a connection on its port, and any other must stay up a while.
Probes come as fast as the process may answer, and end when the time that the check allows is over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from paas.rules.formation import WEB
from paas.rules.manifest import HealthCheck

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5
BODY_SHOWN = 300
LISTEN = "0A"  # of /proc/net/tcp's column st (proc(5))
KILLED, NOT_EXECUTABLE, NOT_FOUND = 137, 126, 127

_SOCKET = re.compile(r"\s*\d+: (?P<address>[0-9A-F]{8}|[0-9A-F]{32}):(?P<port>[0-9A-F]{4}) \S+ (?P<state>[0-9A-F]{2}) ")


@dataclass(frozen=True)
class Probe:
    """One check and how long it may take: `limit` seconds from the start of the process."""

    check: HealthCheck
    limit: float


@dataclass(frozen=True)
class Listener:
    """A listening socket inside a container."""

    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return self.address.startswith("127.") or self.address == "::1"

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Ending:
    """How a process ended."""

    exit_code: int | None
    oom_killed: bool
    memory_limit: int


def probes_for(
    process_type: str, declared: Sequence[HealthCheck], start_timeout: float, stay_up: float
) -> tuple[Probe, ...]:
    """declared: app.json's startup checks of this process."""
    if declared:
        return tuple(Probe(check, _limit(check)) for check in declared)
    if process_type == WEB:
        return (Probe(HealthCheck(), start_timeout),)
    return (Probe(HealthCheck(uptime=stay_up), stay_up),) if stay_up else ()


def _limit(check: HealthCheck) -> float:
    """Dokku's terms: so many attempts, each with its time-out, with a wait between them."""
    if check.kind == "uptime":
        return check.uptime
    return check.initial_delay + check.attempts * (check.wait + check.timeout)


def next_pause(pause: float) -> float:
    """Between probes: a tenth of the time that it has taken so far, which is what the last pause may waste."""
    return min(pause * 1.1, LONGEST_PAUSE)


def judge_answer(check: HealthCheck, status: int, body: str) -> str:
    """What is wrong with an answer to a path check; "" when it passes: 2xx and 3xx, with the wanted content."""
    if not 200 <= status < 400:
        start = " ".join(body.split())[:BODY_SHOWN]
        return f"GET {check.path} answered {status}" + (f": {start}" if start else "")
    if check.content and check.content not in body:
        return f"GET {check.path} answered {status} without the text {check.content[:60]!r}"
    return ""


def explain_exit(name: str, ending: Ending) -> tuple[str, str]:
    """(message, hint) for a process that ended while it should have started."""
    code = ending.exit_code
    if ending.oom_killed:
        limit = f"{ending.memory_limit // 1_000_000} MB"
        return f"{name} was killed because it needed more memory than {limit}", "start fewer workers or threads in it"
    if code == KILLED:
        return f"{name} was killed (exit code 137)", "it may have needed more memory than it may have"
    if code == NOT_FOUND:
        return f"{name} could not start: command not found (exit code 127)", "check its line in the Procfile"
    if code == NOT_EXECUTABLE:
        return f"{name} could not start: not executable (exit code 126)", "git update-index --chmod=+x FILE"
    if code == 0:
        return f"{name} ended by itself (exit code 0)", "a process must stay in the foreground"
    return f"{name} ended with exit code {code}", "its last lines say more"


def explain_silence(port: int, listeners: Sequence[Listener] | None) -> str:
    """A hint for a web process that runs and gives no answer. listeners None: we could not look inside."""
    usual = f"listen on 0.0.0.0 and the port in the variable PORT ({port})"
    if listeners is None:
        return usual
    if not listeners:
        return f"it listens on no port yet: {usual}; a slow start may have more attempts in app.json, healthchecks"
    here = [it for it in listeners if it.port == port]
    if not here:
        return f"it listens on {', '.join(sorted(str(it) for it in listeners))}: {usual}"
    if all(it.is_loopback for it in here):
        return f"it listens on {here[0]}, which only itself can reach (loopback): {usual}"
    if all(":" in it.address for it in here):
        return f"it listens on {here[0]} for IPv6 only: {usual}"
    return f"it listens on {here[0]} and does not answer: its last lines may say why"


def parse_listeners(table: str) -> list[Listener]:
    """Listening sockets of /proc/net/tcp and tcp6, each line as proc(5) has it. Docker's own DNS is left out."""
    found: list[Listener] = []
    for line in table.splitlines():
        match = _SOCKET.match(line)
        if match and match["state"] == LISTEN:
            listener = Listener(_address(match["address"]), int(match["port"], 16))
            if listener.address != "127.0.0.11":
                found.append(listener)
    return list(dict.fromkeys(found))


def _address(text: str) -> str:
    """Words of four bytes in the host's (little-endian) order."""
    words = bytes.fromhex(text)
    packed = b"".join(words[start : start + 4][::-1] for start in range(0, len(words), 4))
    if len(packed) == 4:
        return str(IPv4Address(packed))
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or address)
