"""What may root type at the machine itself, besides the commands that every door offers? `paas up`, `paas status` ...

These words concern the installation and work while the platform is down. `app.py` gives them what needs other adapters.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from paas.adapters import installation, lifecycle, migration, processes
from paas.errors import UsageError
from paas.rules.doctor import Finding, worst
from paas.settings import Settings

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@dataclasses.dataclass(frozen=True)
class Parts:
    """What this module cannot make itself. `children`: name of a process -> runs it, until it ends."""

    settings: Settings
    children: Mapping[str, Callable[[], None]]
    examine: Callable[[], list[Finding]]
    make_base: Callable[[str, Callable[[str], None]], str]  # name, say -> reference
    tear_down: Callable[[bool], list[str]]  # with the apps' containers, networks and images?


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UsageError(message[0].upper() + message[1:], f"{self.prog} --help")


def is_local(words: Sequence[str]) -> bool:
    return bool(words) and words[0] in _VERBS


def run(words: Sequence[str], parts: Parts) -> int:
    """Do what was typed; the exit code. Raises PaasError, which the caller words."""
    verb = words[0]
    parser = _Parser(prog=f"paas {verb}", description=_VERBS[verb].__doc__, allow_abbrev=False)
    for option, facts in _OPTIONS.get(verb, {}).items():
        parser.add_argument(option, **facts)
    return _VERBS[verb](parts, parser.parse_args(words[1:]))


def describe() -> dict[str, str]:
    """Verb -> its line of help, for `paas help` and docs/commands.md; what only the platform types is left out."""
    return {verb: (do.__doc__ or "").splitlines()[0] for verb, do in _VERBS.items() if verb not in _HIDDEN}


def _up(parts: Parts, typed: argparse.Namespace) -> int:
    """Run the platform: web, ssh and worker, with nginx beside them. Stays in the foreground unless --detach."""
    lifecycle.up(parts.settings, detach=typed.detach)
    return 0


def _down(parts: Parts, typed: argparse.Namespace) -> int:
    """Stop the platform and nginx. The apps' containers go on; `paas up` serves them again."""
    stop = lifecycle.stop_supervisor if typed.keep_nginx else lifecycle.down
    print("stopped" if stop(parts.settings) else "paas is not up")
    return 0


def _restart(parts: Parts, _typed: argparse.Namespace) -> int:
    """Restart web, ssh and worker with the installed release and today's settings. nginx and the apps serve on."""
    lifecycle.restart(parts.settings)
    return 0


def _wait(parts: Parts, _typed: argparse.Namespace) -> int:
    """Wait until every process answers."""
    lifecycle.wait_until_ready(parts.settings)
    return 0


def _status(parts: Parts, typed: argparse.Namespace) -> int:
    """Show the platform's processes: pid, state, since when, and memory (PSS). Exit code 1 unless all run."""
    lines = processes.status(parts.settings)
    if typed.format == "json":
        bodies = [dataclasses.asdict(line) for line in lines]
        _print_json([{**body, "since": body["since"] and body["since"].isoformat()} for body in bodies])
    else:
        print(f"{'NAME':<12}{'PID':>8}  {'STATE':<10}{'SINCE':<22}{'PSS':>10}  RESTARTS")
        for line in lines:
            print(
                f"{line.name:<12}{line.pid or '-':>8}  {line.state:<10}{_when(line.since):<22}"
                f"{line.pss / 2**20:>6.1f} MiB  {line.restarts}"
            )
        print(f"{'together':<52}{sum(line.pss for line in lines) / 2**20:>6.1f} MiB")
    return 0 if all(line.state == "running" for line in lines) else 1


def _doctor(parts: Parts, typed: argparse.Namespace) -> int:
    """Examine machine and installation; each line says ok, warn or fail, and what to do. Exit code 1 on a fail."""
    findings = parts.examine()
    if typed.format == "json":
        _print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            remedy = f"  -> {finding.remedy}" if finding.remedy else ""
            print(f"{MARKS[finding.state]}  {finding.name:<15} {finding.message}{remedy}")
    return 1 if worst(findings) == "fail" else 0


def _setup(parts: Parts, _typed: argparse.Namespace) -> int:
    """Make the users, folders, keys and the empty database that are missing, and correct owners and modes."""
    for line in installation.set_up(parts.settings):
        print(line)
    return 0


def _migrate(parts: Parts, typed: argparse.Namespace) -> int:
    """Bring the database to this release's shape; a copy is kept in backups/."""
    if typed.back:
        lines = migration.go_back(parts.settings)
    else:
        lines = migration.migrate(parts.settings, lifecycle.ROOT, only_try=getattr(typed, "try"))
    for line in lines:
        print(line)
    return 0


def _base(parts: Parts, typed: argparse.Namespace) -> int:
    """Find or make the base image of a language, such as python-3.11 or node."""
    print(parts.make_base(typed.name, lambda line: print(line, file=sys.stderr)))
    return 0


def _plan(parts: Parts, _typed: argparse.Namespace) -> int:
    """Print what the supervisor runs."""
    _print_json(lifecycle.make_plan(parts.settings).to_json())
    return 0


def _child(parts: Parts, typed: argparse.Namespace) -> int:
    """Be one of the supervisor's processes."""
    parts.children[typed.name]()
    return 0


def _teardown(parts: Parts, typed: argparse.Namespace) -> int:
    """Stop the platform and take its firewall rules away; with --purge its containers, networks and images, too."""
    lifecycle.down(parts.settings)
    for line in parts.tear_down(typed.purge):
        print(line)
    return 0


def _print_json(body: object) -> None:
    print(json.dumps(body, indent=2))


def _when(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


_VERBS: Mapping[str, Callable[[Parts, argparse.Namespace], int]] = {
    "up": _up,
    "down": _down,
    "restart": _restart,
    "status": _status,
    "doctor": _doctor,
    "setup": _setup,
    "migrate": _migrate,
    "base": _base,
    "wait": _wait,
    "plan": _plan,
    "child": _child,
    "teardown": _teardown,
}
_HIDDEN = frozenset({"wait", "plan", "child", "teardown"})
_FORMAT: dict[str, Any] = {"choices": ("text", "json"), "default": "text", "help": "how to print the answer"}
_OPTIONS: Mapping[str, Mapping[str, dict[str, Any]]] = {
    "up": {"--detach": {"action": "store_true", "help": "start in the background and wait until everything answers"}},
    "down": {"--keep-nginx": {"action": "store_true", "help": "leave nginx serving the apps"}},
    "status": {"--format": _FORMAT},
    "doctor": {"--format": _FORMAT},
    "migrate": {
        "--try": {"action": "store_true", "help": "only try it, on a copy"},
        "--back": {"action": "store_true", "help": "put the copy of the last migration back"},
    },
    "base": {"name": {"help": "a base image's name, as in buildpacks/*/buildpack.toml"}},
    "child": {"name": {"choices": ("web", "ssh", "worker", "nginx")}},
    "teardown": {"--purge": {"action": "store_true", "help": "with the apps' containers, networks and images"}},
}
