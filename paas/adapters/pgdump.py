"""How is a PostgreSQL database copied into a file, and put back from it? With pg_dump, pg_restore and psql.

They learn whom to talk to from their environment (postgresql.org/docs/current/libpq-envars.html): nothing of the URL,
least of all its password, stands in a list of processes, a log or a file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from paas.errors import UnavailableError

DEBIAN = Path("/usr/lib/postgresql")  # a folder per version; /usr/bin/pg_dump is a wrapper around one of them
PROGRAMS = ("pg_dump", "pg_restore", "psql")
TIMEOUT = 900.0
VARIABLES = {"dbname": "PGDATABASE", "application_name": "PGAPPNAME"}  # others: PG and the keyword, sslmode: PGSSLMODE
PASSED_ON = ("HOME", "PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE")

# What a newer release made is in no snapshot, and would be in the way of its next try.
DROP_TABLES = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = current_schema() LOOP
    EXECUTE 'DROP TABLE ' || name || ' CASCADE';
  END LOOP;
END $$
"""


def program_folders() -> tuple[Path, ...]:
    """Where PostgreSQL's programs are on this machine."""
    found = [path / "bin" for path in sorted(DEBIAN.glob("*"))]
    others = (shutil.which(PROGRAMS[0]),)
    return (*found, *(Path(other).parent for other in others if other))


class PgDump:
    """Implements migration.Store. `keywords`: libpq's, the password among them."""

    suffix = ".dump"
    undoes_itself = True  # all steps of a migration are one transaction, DDL included

    def __init__(self, keywords: Mapping[str, str], folders: Sequence[Path]) -> None:
        names = {VARIABLES.get(key, f"PG{key.replace('_', '').upper()}"): value for key, value in keywords.items()}
        kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("PG")}
        self._environment = {**kept, **names, "LC_ALL": "C.UTF-8"}
        self._folders = folders

    def rehearse(self) -> str:
        """Take the shape of everything, and throw it away: programs, version, sign-in and rights are right."""
        self._dump("--schema-only", "--file=/dev/null")
        return "a snapshot could be taken"

    def save(self, target: Path) -> None:
        self._dump("--format=custom", f"--file={target}")

    def fill(self, snapshot: Path) -> None:
        """One transaction: all tables go, and come back as they were."""
        folder = self._fitting_folder()
        script = snapshot.with_name(".put-back.sql")
        script.unlink(missing_ok=True)
        os.close(os.open(script, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            plain = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--no-comments")
            self._run([str(folder / "pg_restore"), *plain, f"--file={script}", str(snapshot)])
            options = ("--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--set=ON_ERROR_STOP=1")
            words = ("--command=SET lock_timeout = '10s'", f"--command={DROP_TABLES}", f"--file={script}")
            self._run([str(folder / "psql"), *options, *words])
        finally:
            script.unlink(missing_ok=True)

    # --- programs -----------------------------------------------------------------------------------------------------
    def _dump(self, *words: str) -> None:
        program = self._fitting_folder() / "pg_dump"
        self._run([str(program), "--no-password", "--lock-wait-timeout=10s", *words])

    def _fitting_folder(self) -> Path:
        """Where the programs are that can copy this server: of its version, else of the next newer one.

        A much newer pg_restore writes settings that the server does not know. Raises UnavailableError (code `pg-dump`).
        """
        there = self._versions()
        if not there:
            raise UnavailableError(
                "Without pg_dump no snapshot of the database can be taken", "apt-get install postgresql-client",
                code="pg-dump",
            )  # fmt: skip
        psql = str(there[max(there)] / "psql")
        shown = self._run([psql, "--no-psqlrc", "--no-password", "-Atc", "SHOW server_version_num"])
        server = int(shown) // 10_000
        fitting = [version for version in there if version >= server]
        if not fitting:
            raise UnavailableError(
                f"pg_dump {max(there)} cannot take a snapshot of PostgreSQL {server}",
                f"apt-get install postgresql-client-{server}, from apt.postgresql.org",
                code="pg-dump",
            )
        return there[min(fitting)]

    def _versions(self) -> dict[int, Path]:
        """Folders that hold all the programs, by version."""
        found: dict[int, Path] = {}
        for folder in self._folders:
            if all(os.access(folder / name, os.X_OK) for name in PROGRAMS):
                told = re.search(r" (\d+)", self._run([str(folder / PROGRAMS[0]), "--version"]))
                if told:
                    found.setdefault(int(told[1]), folder)
        return found

    def _run(self, command: list[str]) -> str:
        """What it printed. Raises UnavailableError (code `snapshot`) with its own reason."""
        name = Path(command[0]).name
        try:
            answer = subprocess.run(
                command, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                errors="replace", timeout=TIMEOUT, check=False, cwd="/",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"{name} did not end within {TIMEOUT:g} s", code="snapshot") from None
        if answer.returncode:
            raise UnavailableError(
                f"{name} failed: {_reason(answer.stderr)}", "the database is as it was", code="snapshot"
            )
        return answer.stdout


def _reason(stderr: str) -> str:
    """The first error that a program of PostgreSQL named."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error|fatal", line, re.IGNORECASE)]
    return next(iter([*errors, *lines]), "it gave no reason")
