"""Where are an app's variables written down, and how are they read again? Sealed rows and snapshots, opened here."""

from __future__ import annotations

import json

from paas.context import Platform
from paas.model import App, ConfigChange, ConfigVariable, Release, Session, delete, select
from paas.model.config import config_of
from paas.rules.config import Change, Config, Variable, read_snapshot, write_snapshot
from paas.rules.secret import Secret


def read_config(on: Platform, session: Session, app_id: str) -> dict[str, Variable]:
    """What is wanted now."""
    return {
        key: Variable(Secret(on.vault.open(row.sealed)), row.is_build)
        for key, row in config_of(session, app_id).items()
    }


def read_change(on: Platform, row: ConfigChange) -> Change:
    values: dict[str, str] = json.loads(on.vault.open(row.sealed))
    variables = {key: Variable(Secret(value), key in row.build_keys) for key, value in values.items()}
    return Change(variables, tuple(row.unset), row.replaces_all)


def store_change(on: Platform, session: Session, app_id: str, change: Change, by: str) -> None:
    """Write a change into `config`; see rules.config.apply_change. Of two writers one waits: both may add a key."""
    session.execute(select(App.id).where(App.id == app_id).with_for_update())
    rows = config_of(session, app_id)
    gone = set(rows) - set(change.variables) if change.replaces_all else set(change.unset)
    session.execute(delete(ConfigVariable).where(ConfigVariable.app_id == app_id, ConfigVariable.key.in_(gone)))
    for key, variable in change.variables.items():
        row = rows.get(key)
        stays_build = row is not None and row.is_build and not change.replaces_all
        if row is None:
            row = ConfigVariable(app_id=app_id, key=key)
            session.add(row)
        row.sealed = on.vault.seal(variable.value.reveal())
        row.is_build = variable.is_build or stays_build
        row.updated_at = on.clock.now()
        row.updated_by = by


def seal_snapshot(on: Platform, config: Config) -> bytes:
    return on.vault.seal(write_snapshot(config))


def open_snapshot(on: Platform, release: Release) -> dict[str, Variable]:
    return read_snapshot(on.vault.open(release.sealed_config))
