import json
from datetime import UTC, datetime

from paas.commands.machine import show_findings, show_processes
from paas.rules.doctor import Finding
from paas.rules.supervision import ProcessStatus

LINES = [
    ProcessStatus("web", 12, "running", datetime(2026, 1, 2, tzinfo=UTC), 3 * 2**20, 1),
    ProcessStatus("nginx", None, "stopped", None, 0),
]


def test_status_is_a_table_with_its_sum():
    text = show_processes(LINES, "text")
    assert "web" in text and "3.0 MiB" in text.splitlines()[-1]


def test_status_as_json_has_moments_as_text():
    web, nginx = json.loads(show_processes(LINES, "json"))
    assert web["since"] == "2026-01-02T00:00:00+00:00" and web["pss"] == 3 * 2**20
    assert nginx == {"name": "nginx", "pid": None, "state": "stopped", "since": None, "pss": 0, "restarts": 0}


def test_a_finding_shows_its_remedy_below_it():
    findings = [Finding("docker", "fail", "does not answer", "systemctl start docker"), Finding("disk", "ok", "fine")]
    assert show_findings(findings, "text").splitlines() == [
        "FAIL  docker          does not answer",
        "                      -> systemctl start docker",
        "ok    disk            fine",
    ]
    assert json.loads(show_findings(findings, "json"))[0]["remedy"] == "systemctl start docker"
