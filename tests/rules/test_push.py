from __future__ import annotations

import pytest

from paas.errors import BadInputError
from paas.rules.push import app_name_of, explain_silence, plan_push, read_options, read_update

NONE = "0" * 40
A, B = "a" * 40, "b" * 40


def plan(*refs: str, configured: str | None = None, is_atomic: bool = False, deleted: tuple[str, ...] = ()):
    updates = [read_update(NONE, A, ref) for ref in refs] + [read_update(A, NONE, ref) for ref in deleted]
    return plan_push("blog", updates, configured, is_atomic=is_atomic)


@pytest.mark.parametrize(
    ("pushed", "configured", "deployed"),
    [
        (["refs/heads/main"], None, "refs/heads/main"),
        (["refs/heads/master"], None, "refs/heads/master"),
        (["refs/heads/master", "refs/heads/main"], None, "refs/heads/main"),
        (["refs/heads/release"], "release", "refs/heads/release"),
        (["refs/heads/main"], "release", None),
        (["refs/heads/topic"], None, None),
        (["refs/tags/v1"], None, None),
        (["refs/heads/$(touch x)"], "$(touch x)", "refs/heads/$(touch x)"),
        (["refs/heads/--upload-pack=x"], None, None),
    ],
)
def test_the_deploy_branch_is_the_apps_own_or_the_first_of_main_and_master(pushed, configured, deployed) -> None:
    found = plan(*pushed, configured=configured).deploy
    assert (found.ref if found else None) == deployed


def test_zeros_stand_for_no_ref() -> None:
    assert read_update(NONE, A, "refs/heads/main").old is None
    assert read_update(A, NONE, "refs/heads/main").new is None
    assert read_update("0" * 64, "a" * 64, "refs/heads/main").old is None


def test_tags_go_with_the_deploy() -> None:
    made = plan("refs/heads/main", "refs/tags/v1")
    assert [tag.ref for tag in made.tags] == ["refs/tags/v1"]
    assert made.refused == {}


def test_tags_alone_are_refused_and_told_how_they_are_taken() -> None:
    made = plan("refs/tags/v1", configured="main")
    assert made.deploy is None
    assert (
        made.refused["refs/tags/v1"]
        == "tags are kept with a deploy: git push --follow-tags paas main, with a new commit"
    )


def test_other_branches_refuse_only_themselves_and_say_what_works() -> None:
    made = plan("refs/heads/main", "refs/heads/topic")
    assert made.deploy is not None
    assert made.refused == {
        "refs/heads/topic": ("only main is deployed: git push paas topic:main, or git:set blog deploy-branch topic")
    }


def test_a_first_push_of_another_branch_says_which_would_be_deployed() -> None:
    assert "git push paas topic:main" in plan("refs/heads/topic").refused["refs/heads/topic"]


def test_deletions_refuse_only_themselves() -> None:
    made = plan("refs/heads/main", deleted=("refs/heads/old", "refs/tags/v0"))
    assert made.deploy is not None
    assert set(made.refused) == {"refs/heads/old", "refs/tags/v0"}


def test_the_deploy_branch_cannot_be_deleted() -> None:
    made = plan(configured="main", deleted=("refs/heads/main",))
    assert made.deploy is None
    assert "apps:destroy blog" in made.refused["refs/heads/main"]


def test_refs_outside_of_branches_and_tags_are_refused() -> None:
    assert "refs/notes/x" in plan("refs/heads/main", "refs/notes/x").refused


def test_an_atomic_push_is_all_or_nothing() -> None:
    made = plan("refs/heads/main", "refs/heads/topic", "refs/tags/v1", is_atomic=True)
    assert made.deploy is None and made.tags == ()
    assert set(made.refused) == {"refs/heads/main", "refs/heads/topic", "refs/tags/v1"}
    assert plan("refs/heads/main", "refs/tags/v1", is_atomic=True).deploy is not None


def test_every_ref_of_a_push_is_either_taken_or_refused() -> None:
    made = plan("refs/heads/main", "refs/heads/b", "refs/tags/t", "refs/x/y", deleted=("refs/heads/z",))
    taken = {made.deploy.ref, *(tag.ref for tag in made.tags)} if made.deploy else set()
    assert taken | set(made.refused) == {"refs/heads/main", "refs/heads/b", "refs/tags/t", "refs/x/y", "refs/heads/z"}
    assert not taken & set(made.refused)


@pytest.mark.parametrize(
    ("options", "no_cache"),
    [([], False), (["no-cache"], True), (["no-cache=true"], True), (["no-cache=no"], False), (["no-cache=1"], True)],
)
def test_no_cache_is_the_push_option(options, no_cache) -> None:
    assert read_options(options) is no_cache


@pytest.mark.parametrize("option", ["nocache", "ci.skip", "", "no-cache=perhaps", "NO-CACHE"])
def test_other_push_options_are_named(option) -> None:
    with pytest.raises(BadInputError) as caught:
        read_options(["no-cache", option])
    assert caught.value.code == "push-option"


@pytest.mark.parametrize(
    "path", ["blog", "/blog", "blog.git", "/blog.git", "~/blog", "/~/blog.git", "~paas/blog", "blog/", "/blog.git/"]
)
def test_a_path_names_an_app_in_the_forms_that_git_sends(path) -> None:
    assert app_name_of(path) == "blog"


@pytest.mark.parametrize("path", ["../blog", "/etc/passwd", "a/b", "", "~root/x"])
def test_other_paths_name_nothing_that_could_be_an_app(path) -> None:
    assert not app_name_of(path).replace("-", "").isalnum()


@pytest.mark.parametrize("tag", ["refs/tags/\udcff", "refs/tags/" + "t" * 391])
def test_a_tag_that_no_row_takes_refuses_only_itself(tag: str) -> None:
    made = plan("refs/heads/main", "refs/tags/v1", tag)
    assert made.deploy is not None and [kept.ref for kept in made.tags] == ["refs/tags/v1"]
    assert made.refused == {tag: "the name of a tag is UTF-8, and has at most 390 characters"}


SHALLOW = b"0034shallow " + A.encode() + b"\n"


@pytest.mark.parametrize(
    ("opening", "is_deployed", "code"),
    [
        (SHALLOW[:64], True, "shallow-clone"),
        (SHALLOW[:64], False, "shallow-clone"),
        (f"00a6{NONE} {A}".encode()[:64], True, "git-refused"),
        (b"", False, "nothing-pushed"),
    ],
)
def test_a_push_that_git_ended_before_our_hooks_is_explained(opening: bytes, is_deployed: bool, code: str) -> None:
    reason = explain_silence("blog", opening, 500_000_000, is_deployed=is_deployed)
    assert isinstance(reason, BadInputError) and reason.code == code and reason.hint


def test_a_push_of_nothing_new_hints_at_a_rebuild() -> None:
    assert "ps:rebuild blog" in str(explain_silence("blog", b"0000", 1, is_deployed=True))


@pytest.mark.parametrize(("opening", "is_deployed"), [(b"0000", False), (b"", True)])
def test_where_the_client_says_it_all_we_say_nothing(opening: bytes, is_deployed: bool) -> None:
    assert explain_silence("blog", opening, 1, is_deployed=is_deployed) == ""
