"""How do the answers of `paas status` and `paas doctor` read, as text for people and as JSON for programs?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from paas.rules.doctor import Finding
from paas.rules.supervision import ProcessStatus

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
MEBIBYTE = 2**20


def show_processes(lines: Sequence[ProcessStatus], shape: str) -> str:
    """`shape`: "text" or "json" (name, pid, state, since, pss in bytes, restarts)."""
    if shape == "json":
        return json.dumps([{**asdict(line), "since": _moment(line.since)} for line in lines], indent=2)
    table = [f"{'NAME':<12}{'PID':>8}  {'STATE':<10}{'SINCE':<26}{'PSS':>10}  RESTARTS"]
    for line in lines:
        table.append(
            f"{line.name:<12}{line.pid or '-':>8}  {line.state:<10}{_moment(line.since) or '-':<26}"
            f"{line.pss / MEBIBYTE:>6.1f} MiB  {line.restarts}"
        )
    total = sum(line.pss for line in lines)
    return "\n".join([*table, f"{'together':<58}{total / MEBIBYTE:>6.1f} MiB"])


def show_findings(findings: Sequence[Finding], shape: str) -> str:
    """`shape`: "text" or "json" (name, state, message, remedy)."""
    if shape == "json":
        return json.dumps([asdict(finding) for finding in findings], indent=2)
    return "\n".join(
        f"{MARKS[finding.state]}  {finding.name:<15} {finding.message}"
        + (f"\n      {'':<15} -> {finding.remedy}" if finding.remedy else "")
        for finding in findings
    )


def _moment(since: datetime | None) -> str | None:
    return since.astimezone(UTC).isoformat(timespec="seconds") if since else None
