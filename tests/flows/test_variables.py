"""Variables are sealed where they are written down, and come back as they were."""

from __future__ import annotations

from paas.flows.variables import read_config, seal_snapshot, store_change
from paas.model import ConfigVariable, select
from paas.rules.config import Change, Variable
from paas.rules.secret import Secret
from tests.flows.stage import APP, Stage


def values(**texts: str) -> dict[str, Variable]:
    return {key: Variable(Secret(text), is_build=key == "B") for key, text in texts.items()}


def test_a_change_is_written_and_read_again(stage: Stage) -> None:
    with stage.on.database.write() as session:
        store_change(stage.on, session, APP, Change(values(A="one", B="two")), "ada")
    with stage.on.database.write() as session:
        store_change(stage.on, session, APP, Change(values(A="three"), unset=("NOPE",)), "bob")
    with stage.on.database.write() as session:
        store_change(stage.on, session, APP, Change({"B": Variable(Secret("four"))}), "ada")
    with stage.on.database.read() as session:
        assert read_config(stage.on, session, APP) == values(A="three", B="four"), "B stays one for builds"
        rows = {row.key: row for row in session.scalars(select(ConfigVariable))}
    assert (rows["A"].updated_by, rows["B"].updated_by, rows["B"].is_build) == ("bob", "ada", True)
    assert b"three" not in rows["A"].sealed


def test_a_rollback_leaves_nothing_else(stage: Stage) -> None:
    with stage.on.database.write() as session:
        store_change(stage.on, session, APP, Change(values(A="one", B="two")), "ada")
        session.flush()
        store_change(stage.on, session, APP, Change(values(B="old"), replaces_all=True), "ada")
    assert stage.config() == {"B": "old"}


def test_snapshots_are_sealed(stage: Stage) -> None:
    assert b"swordfish" not in seal_snapshot(stage.on, values(A="swordfish"))
