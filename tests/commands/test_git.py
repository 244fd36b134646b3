"""git:* as people type them."""

from __future__ import annotations

import pytest

from tests.commands.world import World


@pytest.mark.parametrize("branch", ["main", "release/2", "feature/x+y", "v1.2"])
def test_the_deploy_branch_is_set_and_reported(small_world: World, branch: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    assert small_world.type(small_world.admin, f"git:set blog deploy-branch {branch}")[0] == 0
    assert small_world.type(small_world.admin, "git:report blog --git-deploy-branch")[1].out == f"{branch}\n"
    small_world.type(small_world.admin, "git:set blog deploy-branch")
    assert small_world.type(small_world.admin, "git:report blog --git-deploy-branch")[1].out.strip() == ""


@pytest.mark.parametrize(
    "branch",
    ["$(touch x)", "a;b", "--upload-pack=x", "a b", "a..b", "/a", "a/", "refs/heads/x", "@", "a.lock", "ä", "a\n"],
)
def test_what_is_no_branch_or_not_safe_to_paste_is_refused(small_world: World, branch: str) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    code, screen = small_world.type(small_world.admin, ["git:set", "blog", "deploy-branch", branch])
    assert code == 1 and ("[branch]" in screen.err or "[usage]" in screen.err)
    assert small_world.type(small_world.admin, "git:report blog --git-deploy-branch")[1].out.strip() == ""
