"""Is the database's form the one this code expects? Alembic, forward only, one transaction for all steps."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from paas.model.base import Database

FOLDER = Path(__file__).resolve().parents[2] / "migrations"


def migrate(database: Database) -> str:
    """Bring the database to the newest form; its revision. Nothing is changed when a step fails."""
    config = _config()
    with database.engine.connect() as plain, plain.execution_options(paas_writes=True).begin():
        config.attributes["connection"] = plain
        command.upgrade(config, "head")
    return newest()


def revision(database: Database) -> str | None:
    """The revision that the database is at; None before the first migration."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision that this code expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError(f"no migrations in {FOLDER}")
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config
