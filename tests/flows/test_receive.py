"""A push whose turn has come may deploy if it knows where the branch stands."""

from __future__ import annotations

from paas.model import App, update
from tests.flows.stage import Stage, assert_nothing_changed


def test_a_push_whose_branch_moved_is_refused_before_building(stage: Stage) -> None:
    stage.push("a")
    late = stage.push("c", old="9")
    assert late.result_code == "branch-moved"
    assert "main moved while you waited: fetch and push again" in stage.log(late.id)
    assert len(stage.builder.orders) == 1
    assert_nothing_changed(stage)


def test_a_push_that_descends_from_what_was_deployed_meanwhile_is_deployed(stage: Stage) -> None:
    stage.push("a")
    assert stage.push("c", old="9", descends_from=("a" * 40,)).state == "succeeded"


def test_a_locked_app_is_not_deployed(stage: Stage) -> None:
    stage.push("a")
    with stage.on.database.write() as session:
        session.execute(update(App).values(is_locked=True))
    assert stage.push("b").result_code == "app-locked"
    assert_nothing_changed(stage)
