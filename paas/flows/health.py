"""Are all new copies healthy? Probed from the host, all at once; the first that is not fails the flow without delay."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event, Timer

from paas.context import WorkerPlatform
from paas.errors import DeployError, PaasError
from paas.flows.findings import app_of, recipe_of
from paas.flows.rollout import addresses_of, for_each
from paas.flows.route import first_host
from paas.flows.say import JobLog
from paas.flows.step import step
from paas.flows.work import Work
from paas.model import Release
from paas.ports import Terminal
from paas.rules.formation import WEB
from paas.rules.health import (
    FIRST_PAUSE,
    Ending,
    Listener,
    Probe,
    explain_exit,
    explain_silence,
    judge_answer,
    next_pause,
    parse_listeners,
    probes_for,
)
from paas.rules.manifest import HealthCheck
from paas.rules.rollout import Copy, Rollout

LOOK_EVERY = 0.1  # seconds between questions to Docker whether it still runs: the port is tried more often
TAIL = 20
OUTPUT_KEPT, OUTPUT_SHOWN = 4096, 200  # of a health command: bytes, characters
SOCKET_TABLES = ("cat", "/proc/net/tcp", "/proc/net/tcp6")


@dataclass(frozen=True)
class Patient:
    """One new copy that is being looked at."""

    copy: Copy
    address: str
    port: int
    host: str
    has_failed: Event  # one of the new copies, so the others need not be waited for


@step("health", phase="health")
def wait_until_healthy(on: WorkerPlatform, work: Work, release: Release, rollout: Rollout, say: JobLog) -> None:
    """Raises DeployError with status, start of the body, the app's last lines and a hint for known causes."""
    checks = recipe_of(release).manifest.checks
    addresses = addresses_of(on, rollout.start)
    app = app_of(on, work)
    host = first_host(on, app) or app.name
    has_failed = Event()
    if any(copy.process_type == WEB for copy in rollout.start):
        say.header(f"Waiting for web to answer on port {release.port}")

    def examine(copy: Copy) -> None:
        patient = Patient(copy, addresses[copy.container], release.port, host, has_failed)
        declared = checks.get(copy.process_type, ())
        try:
            for probe in probes_for(copy.process_type, declared, on.settings.start_timeout, on.settings.stay_up):
                _pass(on, work, patient, probe)
        except PaasError as error:
            has_failed.set()
            say.conceal(error)  # what it quotes of the app is written into the release
            raise

    for_each(rollout.start, examine, at_once=len(rollout.start))


def _pass(on: WorkerPlatform, work: Work, patient: Patient, probe: Probe) -> None:
    if patient.has_failed.is_set():
        return
    if probe.check.kind == "uptime":
        _stay_up(on, work, patient, probe.check.uptime)
    else:
        _poll(on, work, patient, probe)


def _stay_up(on: WorkerPlatform, work: Work, patient: Patient, seconds: float) -> None:
    on.runtime.wait(patient.copy.container, seconds, lambda: work.is_cancelled() or patient.has_failed.is_set())
    work.check()
    _check_alive(on, patient)


def _poll(on: WorkerPlatform, work: Work, patient: Patient, probe: Probe) -> None:
    """Try again and again, ever slower, until it passes, the process ends, or the time is over."""
    began = looked = on.clock.monotonic()
    pause = FIRST_PAUSE
    if probe.check.initial_delay:
        _stay_up(on, work, patient, probe.check.initial_delay)
    while (problem := _try(on, patient, probe.check)) and not patient.has_failed.is_set():
        work.check()
        now = on.clock.monotonic()
        if now - looked >= LOOK_EVERY:
            looked = now
            _check_alive(on, patient)
        if now - began >= probe.limit:
            _check_alive(on, patient)
            raise _unhealthy(on, patient, problem, probe)
        on.clock.sleep(pause)
        pause = next_pause(pause)


def _try(on: WorkerPlatform, patient: Patient, check: HealthCheck) -> str:
    """What is wrong; "" when the check passes."""
    port = check.port or patient.port
    if check.kind == "command":
        return _run_command(on, patient, check)
    if check.kind == "listening":
        return "" if on.prober.accepts(patient.address, port) else f"it accepts no connection on port {port}"
    try:
        answer = on.prober.get(patient.address, port, check.path, patient.host, check.timeout)
    except ConnectionError as error:
        return f"GET {check.path} got no answer: {error}"
    return judge_answer(check, answer.status, answer.body)


def _run_command(on: WorkerPlatform, patient: Patient, check: HealthCheck) -> str:
    try:
        terminal = on.runtime.execute(patient.copy.container, check.command, tty=False)
    except PaasError as error:
        return f"{check.command[0]} could not be run: {error.message}"
    command, is_over = " ".join(check.command)[:80], Event()

    def end() -> None:
        is_over.set()
        terminal.close()

    timer = Timer(check.timeout, end)
    timer.daemon = True
    timer.start()
    try:
        said = _last_words(terminal)
        if is_over.is_set():
            return f"{command} did not end within {check.timeout:g} s: {said}"
        code = terminal.exit_code()
    finally:
        timer.cancel()
        terminal.close()
    return "" if code == 0 else f"{command} ended with exit code {code}: {said}"


def _last_words(terminal: Terminal) -> str:
    """The end of what it prints until it ends, however much that is."""
    output = b""
    for _stream, data in terminal.frames():
        output = (output + data)[-OUTPUT_KEPT:]
    return " ".join(output.decode("utf-8", "replace").split())[-OUTPUT_SHOWN:]


# --- What went wrong --------------------------------------------------------------------------------------------------
def _check_alive(on: WorkerPlatform, patient: Patient) -> None:
    """Raise DeployError when the container has ended."""
    found = on.runtime.find(patient.copy.container)
    if found is not None and found.state in ("running", "paused", "restarting"):
        return
    ending = Ending(found.exit_code if found else None, bool(found and found.oom_killed), on.settings.memory_limit)
    message, hint = explain_exit(patient.copy.name, ending)
    raise DeployError(message, hint, code="start-failed", tail=last_lines(on, patient.copy.container))


def _unhealthy(on: WorkerPlatform, patient: Patient, problem: str, probe: Probe) -> DeployError:
    is_silent = probe.check.kind == "listening" or "got no answer" in problem
    port = probe.check.port or patient.port
    hint = explain_silence(port, _listeners(on, patient)) if is_silent else "the check is in app.json, healthchecks"
    return DeployError(
        f"{patient.copy.name} is not healthy after {probe.limit:g} s: {problem}",
        hint,
        code="unhealthy",
        tail=last_lines(on, patient.copy.container),
    )


def _listeners(on: WorkerPlatform, patient: Patient) -> list[Listener] | None:
    """What it listens on instead, where the image has `cat` to look with."""
    try:
        terminal = on.runtime.execute(patient.copy.container, SOCKET_TABLES, tty=False)
    except PaasError:
        return None
    try:
        table = b"".join(data for stream, data in terminal.frames() if stream == "stdout")
        has_looked = terminal.exit_code() == 0
    finally:
        terminal.close()
    return parse_listeners(table.decode("ascii", "replace")) or ([] if has_looked else None)


def last_lines(on: WorkerPlatform, container: str) -> tuple[str, ...]:
    """The last lines that a container printed."""
    lines = on.runtime.log_lines(container, tail=TAIL)
    try:
        return tuple(line.text for line in lines)
    finally:
        lines.close()
