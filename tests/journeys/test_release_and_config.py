"""Releases without a build: rollbacks and changed variables, which roll the app and fail no request.

On both kinds of database.
"""

from __future__ import annotations

import json
import subprocess
from shlex import quote

from paas.model import Base, select
from tests.journeys.installation import Installation
from tests.journeys.leftovers import assert_nothing_is_left
from tests.journeys.prober import Prober
from tests.journeys.repository import Repository, small_app
from tests.waiting import wait_until

ODD = {
    "QUOTES": """it's "quoted" and `ticked`""",
    "LINES": "first\nsecond\r\n\n  third  \n",
    "UNICODE": "Grüße \N{SNOWMAN} \U0001f409 e\u0301",
    "SHELL": "$(touch x) $HOME ${A:-b} ; & | > < * ? ~ ! # \\ \\n %s",
    "SPACES": "  a\tb  ",
    "NOTHING": "",
    "EQUALS": "a=b==c",
}
PLAIN = b"and `ticked`"  # of one of them; reads the same when it is quoted


def deployed(on: Installation, app: str, **files: str) -> Repository:
    repository = on.repository(app)
    repository.commit(small_app("one", **files))
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    return repository


def set_variables(on: Installation, app: str, *words: str) -> subprocess.CompletedProcess[str]:
    return on.ssh("config:set", app, *(quote(word) for word in words))


def start_ssh(on: Installation, *words: str) -> subprocess.Popen[str]:
    command = ["ssh", *on.ssh_options(), "paas@127.0.0.1", "--", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def config(on: Installation, app: str) -> dict[str, str]:
    answer = on.ssh("config:export", app, "--format", "json")
    assert answer.returncode == 0, answer.stderr
    found: dict[str, str] = json.loads(answer.stdout)
    return found


def stored(on: Installation) -> bytes:
    """All that the database holds: every row, and with SQLite what its files still have of rows that went."""
    with on.database.read() as session:
        rows = [repr(tuple(row)) for table in Base.metadata.sorted_tables for row in session.execute(select(table))]
    return "\n".join(rows).encode() + b"".join(path.read_bytes() for path in (on.home / "database").iterdir())


def test_a_rollback_brings_back_code_and_variables_in_about_a_second_without_a_build(platform: Installation) -> None:
    repository = deployed(platform, "back")
    assert set_variables(platform, "back", "COLOUR=red").returncode == 0
    repository.commit(small_app("two"))
    assert repository.push().returncode == 0
    assert set_variables(platform, "back", "COLOUR=blue", "EXTRA=1").returncode == 0
    with Prober(platform.http_port, platform.host("back")) as prober:
        back = platform.ssh("rollback", "back", "v2")
    assert back.returncode == 0, back.stderr
    assert "Databases are not rolled back" in back.stdout
    assert prober.failures == []
    assert platform.get("back") == (200, "one") and platform.get("back", "/env/COLOUR") == (200, "red")
    assert config(platform, "back") == {"COLOUR": "red"}
    build = platform.ask("builds:info", "back", "current")
    assert "build" not in [step["name"] for step in build["steps"]]
    again = platform.ssh("rollback", "back")  # to what was current before this one
    assert again.returncode == 0, again.stderr
    assert platform.get("back") == (200, "two") and platform.get("back", "/env/COLOUR") == (200, "blue")
    versions = [release["version"] for release in platform.ask("releases", "back")]
    assert versions == [f"v{number}" for number in range(6, 0, -1)]
    assert repository.remote_branch() == repository.head  # going back moves no branch


def test_nothing_goes_back_to_a_release_that_failed_or_never_was(platform: Installation) -> None:
    repository = deployed(platform, "nowhere")
    first = platform.ssh("rollback", "nowhere")
    assert first.returncode == 1 and "[no-release]" in first.stderr
    repository.commit(small_app("bad", Procfile="web: python3 -u server.py\nrelease: exit 1\n"))
    assert repository.push().returncode == 1
    failed, unknown = platform.ssh("rollback", "nowhere", "v2"), platform.ssh("rollback", "nowhere", "v9")
    assert failed.returncode == 1 and "[release-failed]" in failed.stderr
    assert unknown.returncode == 1 and "[release-not-found]" in unknown.stderr
    assert len(platform.ask("releases", "nowhere")) == 2


def test_values_with_quotes_lines_spaces_and_unicode_survive_exactly(platform: Installation) -> None:
    deployed(platform, "odd")
    with Prober(platform.http_port, platform.host("odd")) as prober:
        changed = set_variables(platform, "odd", *(f"{key}={value}" for key, value in ODD.items()))
    assert changed.returncode == 0, changed.stderr
    assert prober.failures == []
    assert {key: platform.get("odd", f"/env/{key}")[1] for key in ODD} == ODD
    assert config(platform, "odd") == ODD
    printed = {key: platform.ssh("config:get", "odd", key).stdout.removesuffix("\n") for key in ODD}
    assert printed == {key: value.replace("\r\n", "\n") for key, value in ODD.items()}  # Python reads text so
    exported = platform.ssh("config:export", "odd", "--format", "envfile").stdout
    assert platform.ssh("config:unset", "odd", *ODD).returncode == 0
    assert config(platform, "odd") == {} and platform.get("odd", "/env/QUOTES") == (200, "")
    imported = platform.ssh("config:import", "odd", stdin=exported)
    assert imported.returncode == 0, imported.stderr
    assert config(platform, "odd") == ODD
    shown = platform.ssh("config:show", "odd").stdout
    assert "QUOTES" in shown and "quoted" not in shown
    assert PLAIN in ODD["QUOTES"].encode() and PLAIN not in stored(platform)


def test_without_a_restart_a_change_waits_for_the_next_release_of_any_cause(platform: Installation) -> None:
    repository = deployed(platform, "later")
    assert set_variables(platform, "later", "--no-restart", "NEW=1").returncode == 0
    assert config(platform, "later") == {"NEW": "1"}
    assert platform.get("later", "/env/NEW") == (200, "")
    assert platform.ssh("ps:restart", "later").returncode == 0
    assert platform.get("later", "/env/NEW") == (200, "")  # a restart starts the same release
    repository.commit(small_app("two"))
    assert repository.push().returncode == 0
    assert platform.get("later", "/env/NEW") == (200, "1")


def test_of_two_queued_changes_neither_carries_nor_loses_the_other(platform: Installation) -> None:
    deployed(platform, "queue")
    changes = [start_ssh(platform, "config:set", "queue", f"{key}={key}") for key in ("A", "B", "C")]
    said = [change.communicate(timeout=60)[0] for change in changes]
    assert [change.returncode for change in changes] == [0, 0, 0], said
    assert config(platform, "queue") == {"A": "A", "B": "B", "C": "C"}
    assert [platform.get("queue", f"/env/{key}")[1] for key in "ABC"] == ["A", "B", "C"]
    held = [platform.ask("releases:info", "queue", f"v{version}")["config"] for version in (2, 3, 4)]
    assert [len(keys) for keys in held] == [1, 2, 3] and held[2] == ["A", "B", "C"]


def test_a_change_with_which_the_app_does_not_start_stays_in_its_failed_release(platform: Installation) -> None:
    files = small_app("one")
    files["server.py"] = (
        "import os, sys\nif os.environ.get('BREAK'): sys.exit('broken by a variable')\n" + files["server.py"]
    )
    repository = platform.repository("careful")
    repository.commit(files)
    assert repository.push().returncode == 0
    assert set_variables(platform, "careful", "KEPT=1").returncode == 0
    with Prober(platform.http_port, platform.host("careful")) as prober:
        broken = start_ssh(platform, "config:set", "careful", "BREAK=1")
        wait_until(lambda: [job for job in platform.jobs("config") if job.payload and job.app_name == "careful"][1:])
        good = start_ssh(platform, "config:set", "careful", "GOOD=1")
        said = [change.communicate(timeout=60)[0] for change in (broken, good)]
    assert broken.returncode == 1 and "broken by a variable" in said[0] and "v2 still serves" in said[0]
    assert good.returncode == 0, said[1]
    assert prober.failures == []
    assert config(platform, "careful") == {"GOOD": "1", "KEPT": "1"}
    states = [(each["version"], each["status"]) for each in platform.ask("releases", "careful")]
    assert states == [("v4", "current"), ("v3", "failed"), ("v2", "superseded"), ("v1", "superseded")]
    assert_nothing_is_left(platform)
