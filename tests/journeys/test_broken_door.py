"""Somebody has taken the web process over and writes rows. May the worker, which is root, be made to do as they say?

Attack: jobs of kinds and with words that do not exist, sources of other doors and apps, apps whose ids are paths,
addresses of the host, images and processes that are none of the platform's, tickets for what is not there. Each row is
refused, and the worker goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from paas.adapters.system import SystemClock
from paas.adapters.workerline import SocketWorkerLine
from paas.errors import PaasError
from paas.model import Address, App, Job, Process, Source, Ticket, select, update
from paas.model.job import ENDED
from paas.worker import host
from tests.attacks.town import Two, two_tenants
from tests.journeys.installation import Installation
from tests.waiting import wait_until

NOW = SystemClock().now


@pytest.fixture
def two(shared: Installation) -> Two:
    return two_tenants(shared)


def write_job(on: Installation, kind: str, payload: object, app_id: str | None, **values: Any) -> int:
    with on.database.write() as session:
        job = Job(kind=kind, payload=payload, app_id=app_id, created_at=NOW(), created_by="x", via="web", **values)
        session.add(job)
        session.flush()
        return job.id


def end_of(on: Installation, job_id: int) -> tuple[str, str]:
    """(state, result code) once it has ended."""
    ring(on)

    def ended() -> Job | None:
        with on.database.read() as session:
            return session.scalar(select(Job).where(Job.id == job_id, Job.state.in_(ENDED)))

    job = wait_until(ended, what=f"job {job_id}")
    return job.state, job.result_code or ""


def ring(on: Installation) -> None:
    SocketWorkerLine(on.home / "run" / "worker.sock").ring()


ODD_JOBS: list[tuple[str, object]] = [
    ("shell", {"command": "touch /tmp/paas-owned"}),
    ("deploy", {"kind": "deploy", "source_id": 1, "privileged": True}),
    ("deploy", {"kind": "deploy", "source_id": "../1"}),
    ("deploy", {"kind": "deploy", "source_id": 10**12}),
    ("run", {"kind": "run", "command": ["true"], "volumes": ["/:/host"]}),
    ("run", {"kind": "run", "command": []}),
    ("scale", {"kind": "scale", "counts": {"web": 10**9}}),
    ("scale", {"kind": "scale", "counts": {"../web": 1}}),
    ("rollback", {"kind": "rollback", "version": -1}),
    ("rollback", {"kind": "rollback", "version": 10**18}),
    ("config", {"kind": "config", "change_id": 10**9}),
    ("restart", {"kind": "restart", "process_types": ["--privileged"]}),
    ("route", ["no object"]),
    ("prune", "x" * 5_000_000),
    ("stop", {"kind": "deploy"}),
    ("rebuild", json.loads("[" * 400 + "]" * 400)),
]


@pytest.mark.parametrize(("kind", "payload"), ODD_JOBS, ids=lambda value: str(value)[:40])
def test_an_odd_order_is_refused(two: Two, kind: str, payload: object) -> None:
    state, code = end_of(two.on, write_job(two.on, kind, payload, two.on.app("beta").id))
    assert state == "failed" and code in ("bad-job", "source-gone", "release-not-found", "change-gone")
    assert two.on.get("beta") == (200, "beta")


@pytest.mark.parametrize("app_id", [None, "", "..", "/etc", "x/../../../../tmp/paas-owned", "nobody00"])
@pytest.mark.parametrize("kind", ["stop", "destroy", "rebuild"])
def test_an_order_for_no_app_is_refused(two: Two, kind: str, app_id: str | None) -> None:
    state, _ = end_of(two.on, write_job(two.on, kind, {"kind": kind}, app_id))
    assert state == ("succeeded" if (kind, app_id) == ("destroy", "nobody00") else "failed")
    assert (two.on.home / "logs" / "platform.log").exists()


@pytest.mark.parametrize(
    "trick", ["another app's", "../", "/etc/shadow", "a link", "a pipe", "another owner's", "other bytes"]
)
def test_a_source_that_is_none_of_the_door_s_is_refused(two: Two, trick: str) -> None:
    inbox = two.on.home / "inbox" / "web"
    file, owner = f"{secrets.token_hex(4)}.tar", inbox.stat()
    path = inbox / file
    digest = hashlib.sha256(b"x").hexdigest()
    if trick == "a link":
        path.symlink_to("/etc/shadow")
    elif trick == "a pipe":
        os.mkfifo(path)
        os.chown(path, owner.st_uid, owner.st_gid)
    elif trick in ("another owner's", "other bytes", "another app's"):
        path.write_bytes(b"y" if trick == "other bytes" else b"x")
        os.chown(path, 0 if trick == "another owner's" else owner.st_uid, -1)
    elif trick == "../":
        file = "../../keys/config.key"
    else:
        file = trick
    app_id = two.on.app("alpha" if trick == "another app's" else "beta").id
    with two.on.database.write() as session:
        row = Source(app_id=app_id, kind="upload", inbox="web", file=file, sha256=digest, size=1, created_at=NOW())
        session.add(row)
        session.flush()
    order = {"kind": "deploy", "source_id": row.id}
    state, code = end_of(two.on, write_job(two.on, "deploy", order, two.on.app("beta").id, is_heavy=True))
    assert (state, code[:6]) == ("failed", "source")
    assert not (two.on.home / "sources" / f"{row.id}.tar").exists()
    path.unlink(missing_ok=True)


def test_an_app_whose_id_is_a_path_writes_no_file(two: Two) -> None:
    owned = Path("/tmp/paas-owned")
    odd = f"x/{'../' * 14}tmp/paas-owned/x"
    with two.on.database.write() as session:
        session.add(App(id=odd, name="odd-app", created_at=NOW()))
    try:
        assert end_of(two.on, write_job(two.on, "route", {"kind": "route"}, None))[0] == "succeeded"
        assert end_of(two.on, write_job(two.on, "destroy", {"kind": "destroy"}, odd)) == ("failed", "app-id")
        assert not owned.exists() and not list(Path("/tmp").glob("paas-owned*"))
        assert two.on.get("beta") == (200, "beta")
    finally:
        with two.on.database.write() as session:
            session.delete(session.get_one(App, odd))


def test_nginx_is_not_led_to_the_host_s_own_ports(two: Two) -> None:
    """The worker's probes and nginx would speak to 127.0.0.1 for everybody who asks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        app_id = two.on.app("beta").id
        with two.on.database.write() as session:
            live = select(Process.container).where(Process.app_id == app_id, Process.state == "live")
            container = session.scalars(live.where(Process.process_type == "web")).one()
            kept = session.scalars(select(Address.address).where(Address.container == container)).one()
            session.execute(update(Address).where(Address.container == container).values(address="127.0.0.1"))
        try:
            end_of(two.on, write_job(two.on, "route", {"kind": "route"}, None))
            two.on.get("beta")
            with pytest.raises(TimeoutError):
                server.accept()
            current = two.on.home / "nginx" / "current" / "sites" / f"app-{app_id}.conf"
            assert "127.0.0.1" not in current.read_text()
        finally:
            with two.on.database.write() as session:
                session.execute(update(Address).where(Address.container == container).values(address=kept))
            end_of(two.on, write_job(two.on, "route", {"kind": "route"}, None))
    assert two.on.get("beta") == (200, "beta")


@pytest.mark.parametrize("subnet", ["169.254.169.0/24", "0.0.0.0/1", "192.0.2.0/24", "nonsense"])
def test_an_app_gets_no_network_out_of_the_host_s_own(two: Two, subnet: str) -> None:
    app_id = two.on.app("alpha").id
    with two.on.database.write() as session:
        kept = session.get_one(App, app_id).subnet
        session.execute(update(App).where(App.id == app_id).values(subnet=subnet))
    try:
        assert end_of(two.on, write_job(two.on, "restart", {"kind": "restart"}, app_id))[0] == "failed"
        routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
        assert "169.254.169" not in routes and "0.0.0.0/1" not in routes
    finally:
        with two.on.database.write() as session:
            session.execute(update(App).where(App.id == app_id).values(subnet=kept))
    assert two.on.get("alpha") == (200, "alpha")


def test_no_process_of_the_host_is_killed_by_a_row(two: Two) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as bystander:
        values = {
            "state": "running", "worker": "999999999:1", "fence": 1, "lease_until": NOW() - timedelta(hours=1),
            "child_pid": bystander.pid, "child_started": host.start_ticks(bystander.pid),
        }  # fmt: skip
        job = write_job(two.on, "shell", {}, two.on.app("beta").id, **values)
        assert end_of(two.on, job) == ("failed", "bad-job")
        assert bystander.poll() is None
        bystander.kill()


@pytest.mark.parametrize(
    "payload",
    [
        {"kind": "host", "command": ["id"]},
        {"kind": "run", "command": ["id"], "privileged": True},
        {"kind": "enter", "process": "../../x", "command": ["id"]},
        {"kind": "enter", "process": "web.1", "command": ["id"], "columns": 10**9},
        {},
    ],
)
def test_an_odd_ticket_opens_nothing(two: Two, payload: dict[str, object]) -> None:
    secret = secrets.token_hex(8)
    with two.on.database.write() as session:
        session.add(
            Ticket(
                id=hashlib.sha256(secret.encode()).hexdigest(), app_id=two.on.app("beta").id, payload=payload,
                created_by="x", created_at=NOW(), expires_at=NOW() + timedelta(seconds=20),
            )
        )  # fmt: skip
    line = SocketWorkerLine(two.on.home / "run" / "worker.sock")
    for _ in range(2):  # a spent ticket is no better
        with pytest.raises(PaasError):
            line.open_console(secret)


def test_the_worker_goes_on_after_all_that(two: Two) -> None:
    two.bea.ssh("ps:restart", "beta")
    assert two.on.get("beta") == (200, "beta")
