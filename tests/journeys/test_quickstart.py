"""The README's first command on this machine, beside whatever is installed: the first ten minutes, and upgrades.

`deploy/quickstart` runs from a clone, with a home, prefix, ports and installation id of its own; a private mount over
root's home keeps its key and its known hosts out of the real one.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.installation import ROOT, Installation, open_to_others
from tests.journeys.prober import Prober

PRIVATE_HOME = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
MIGRATION = '''"""One more."""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("of_the_upgrade_test", sa.Column("id", sa.Integer(), primary_key=True))
    {more}
'''


class Stranger:
    """Somebody who clones and types."""

    def __init__(self, folder: Path) -> None:
        self.platform = Installation(folder, drain_timeout="2")
        self.folder = folder
        (folder / "root").mkdir()
        self.environment = self.platform.environment | {
            "PAAS_CONFIG": str(folder / "paas.toml"),
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
        }
        del self.environment["PAAS_FAULTS"]
        self.checkout = self.clone("first")
        self.begun = subprocess.CompletedProcess[str]([], 0)

    def clone(self, name: str) -> Path:
        subprocess.run(["git", "clone", "-q", "-c", "advice.detachedHead=false", ROOT, self.folder / name], check=True)
        return self.folder / name

    def quickstart(self, checkout: Path) -> subprocess.CompletedProcess[str]:
        return self.at_home("deploy/quickstart", cwd=checkout)

    def at_home(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A command with root's home replaced by an empty folder."""
        command = ["unshare", "--mount", "sh", "-c", PRIVATE_HOME, "sh", str(self.folder / "root"), "/root", *words]
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    @property
    def facts(self) -> dict[str, str]:
        path = self.platform.home / "quickstart.json"
        assert path.stat().st_mode & 0o777 == 0o600
        return dict(json.loads(path.read_text()))

    def version(self) -> str:
        return self.at_home(*self.facts["ssh_command"].split(), "version").stdout.strip()

    def newer(self, name: str, version: str, more: str = "pass") -> Path:
        """A copy of HEAD with a higher version and one more migration."""
        checkout = self.clone(name)
        initial = checkout / "paas" / "__init__.py"
        initial.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', initial.read_text()))
        project = checkout / "pyproject.toml"
        project.write_text(
            re.sub(r'^version = ".*"', f'version = "{version}"', project.read_text(), flags=re.MULTILINE)
        )
        revisions = sorted(path.name[:4] for path in (checkout / "migrations" / "versions").glob("[0-9]*.py"))
        text = MIGRATION.format(revision="9999", before=revisions[-1], more=more)
        (checkout / "migrations" / "versions" / "9999_more.py").write_text(text)
        identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.com"]
        subprocess.run(["git", *identity, "commit", "-qam", "newer"], cwd=checkout, check=True)
        subprocess.run(["git", "add", "-A"], cwd=checkout, check=True)
        subprocess.run(["git", *identity, "commit", "-qm", "migration"], cwd=checkout, check=True)
        return checkout


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    folder = tmp_path_factory.mktemp("q")
    open_to_others(folder)
    made = Stranger(folder)
    try:
        made.begun = made.quickstart(made.checkout)
        assert made.begun.returncode == 0, made.begun.stdout[-3000:] + made.begun.stderr
        yield made
    finally:
        made.platform.remove()


def test_quickstart_ends_with_an_app_live_that_git_pushed(stranger: Stranger) -> None:
    assert stranger.platform.get("hello")[0] == 200
    facts = stranger.facts
    assert set(facts) == {
        "app_url", "dashboard_url", "api_url", "api_token", "git_remote", "ssh_command", "paas_command", "admin_user",
        "admin_password",
    }  # fmt: skip
    listed = stranger.at_home(*facts["ssh_command"].split(), "apps:list", "--quiet")
    assert listed.stdout == "hello\n"
    answer = stranger.at_home(
        "curl", "-s", "-H", f"Host: paas.localhost:{stranger.platform.http_port}",
        "-H", f"Authorization: Bearer {facts['api_token']}",
        f"http://127.0.0.1:{stranger.platform.http_port}/api/v1/apps/hello",
    )  # fmt: skip
    assert json.loads(answer.stdout)["status"] == "Running"
    assert stranger.at_home(facts["paas_command"], "apps:list", "--quiet").stdout == "hello\n"
    doctor = stranger.at_home(facts["paas_command"], "doctor", "--format", "json")
    assert [check for check in json.loads(doctor.stdout) if check["state"] == "fail"] == []


def test_a_second_quickstart_changes_nothing(stranger: Stranger) -> None:
    before = stranger.facts
    with Prober(stranger.platform.http_port, "hello.localhost") as prober:
        again = stranger.quickstart(stranger.checkout)
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr
    assert prober.failures == []
    assert {key: value for key, value in stranger.facts.items() if key != "api_token"} == {
        key: value for key, value in before.items() if key != "api_token"
    }


def test_a_failed_migration_leaves_the_old_version_running(stranger: Stranger) -> None:
    before = stranger.version()
    broken = stranger.newer("broken", "98.0.0", 'raise RuntimeError("this migration cannot work")')
    with Prober(stranger.platform.http_port, "hello.localhost") as prober:
        refused = stranger.quickstart(broken)
    assert refused.returncode != 0
    assert "this migration cannot work" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert prober.failures == []
    assert stranger.version() == before


def test_what_it_says_to_try_next_works_as_it_is_printed(stranger: Stranger) -> None:
    """On a machine where git does not know who commits."""
    lines = [line.partition(":   ")[2].strip() for line in stranger.begun.stdout.splitlines() if "push again:" in line]
    assert len(lines) == 1 and lines[0].startswith("cd /root/paas-hello && git commit")
    pushed = stranger.at_home("sh", "-c", lines[0])
    assert pushed.returncode == 0 and "Released v2" in pushed.stderr, pushed.stdout + pushed.stderr


def test_a_newer_checkout_is_the_upgrade_and_apps_keep_serving(stranger: Stranger) -> None:
    newer = stranger.newer("newer", "99.0.0")
    with Prober(stranger.platform.http_port, "hello.localhost") as prober:
        upgraded = stranger.quickstart(newer)
    assert upgraded.returncode == 0, upgraded.stdout[-2000:] + upgraded.stderr
    print(f"{prober.count} requests during the upgrade, {len(prober.failures)} failed")
    assert prober.failures == []
    assert stranger.version() == "paas 99.0.0"
    folder = stranger.folder / "work"
    clone = f"git clone -q {stranger.facts['git_remote']} {folder} && cd {folder} && git remote rename origin paas"
    change = "git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m again && git push -q paas main"
    pushed = stranger.at_home("sh", "-c", f"{clone} && {change}")
    assert pushed.returncode == 0, pushed.stderr
