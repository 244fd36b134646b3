"""Where do an app's secrets stand? In its processes and its builds, sealed in the database, and nowhere else."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading

import psutil
import pytest

from paas.model import ApiToken, Event, Job, select
from tests.attacks.town import Two, two_tenants
from tests.journeys.installation import Installation


@pytest.fixture
def two(shared: Installation) -> Two:
    return two_tenants(shared)


def test_a_secret_stands_nowhere_but_where_it_is_asked_for(two: Two) -> None:
    """In no image, label, log, process list, audit line or answer that does not reveal; in the database only sealed."""
    secrets_ = [two.ana.secret, two.ana.build_secret]
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for process in psutil.process_iter():
                with contextlib.suppress(psutil.Error):
                    seen.update(process.cmdline())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    said = two.ana.push("RUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN; echo; env; sleep 1")
    over.set()
    watcher.join()
    app = two.on.app("alpha")
    engine = two.on.runtime._engine.client
    images = [image.id for image in two.on.runtime.images(app.id)]
    places = {
        "process list": "\n".join(seen),
        "push": said,
        "history": json.dumps([engine.history(image) for image in images]),
        "images": json.dumps([engine.inspect_image(image) for image in images]),
        "labels": json.dumps(two.ana.container["Config"]["Labels"]),
        "cmdline of the container": json.dumps(two.ana.container["Args"]),
        "logs": "".join(path.read_text("utf-8", "replace") for path in (two.on.home / "logs").rglob("*.log")),
        "api": "".join(two.ana.call("GET", path)[1] for path in API_WITHOUT_REVEALING),
    }
    with two.on.database.read() as session:
        places["audit"] = repr([row.details for row in session.scalars(select(Event))])
        places["jobs"] = repr([(row.payload, row.result, row.result_message) for row in session.scalars(select(Job))])
        places["tokens"] = repr([(row.name, row.secret_hash) for row in session.scalars(select(ApiToken))])
    database = b"".join(path.read_bytes() for path in (two.on.home / "database").iterdir() if path.is_file())
    for secret in secrets_:
        assert [place for place, text in places.items() if secret in text] == []
        assert secret.encode() not in database
    assert two.ana.token not in places["tokens"] and two.ana.token.encode() not in database
    assert two.ana.ssh("config:get", "alpha", "SECRET").strip() == two.ana.secret


API_WITHOUT_REVEALING = [
    "/apps/alpha", "/apps/alpha/config", "/apps/alpha/config-keys", "/apps/alpha/releases", "/apps/alpha/releases/v1",
    "/apps/alpha/builds", "/apps/alpha/inspect", "/apps/alpha/processes", "/events", "/ps-reports", "/apps-reports",
    "/builder-reports", "/tokens", "/apps/alpha/logs",
]  # fmt: skip


def test_a_word_that_is_wrongly_named_brings_no_secret_into_the_audit_trail(two: Two) -> None:
    """A call with {"SECRET": value} instead of {"pairs": [...]} is refused, and the refusal is written down."""
    body = {"SECRET": two.ana.secret, "name": two.ana.secret, "pairs": [f"A={two.ana.secret}"]}
    status, _ = two.ana.call("PATCH", "/apps/alpha/config", body)
    assert status == 422
    with two.on.database.read() as session:
        assert two.ana.secret not in repr([(row.details, row.target) for row in session.scalars(select(Event))])


def test_other_users_of_the_machine_read_nothing(two: Two) -> None:
    """Somebody with a shell on the host who is none of the platform's users."""
    looked = subprocess.run(
        ["find", str(two.on.home), "-type", "f", "-readable"], user="nobody", group="nogroup", extra_groups=[],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert looked.stdout == ""
    for process in ("web", "ssh", "worker"):
        with pytest.raises(subprocess.CalledProcessError):
            subprocess.run(
                ["cat", f"/proc/{two.on.pids()[process]}/environ"], user="nobody", check=True, capture_output=True
            )
