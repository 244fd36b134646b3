"""Releases from a real checkout with git; the environment inside them is made by the journeys."""

import pytest
from installer.release import COMPLETE, Release, current_release, release_of, remove_old_releases, switch_to
from installer.wishes import read_wishes

from tests.conftest import git


@pytest.fixture
def wishes(tmp_path, monkeypatch):
    monkeypatch.setenv("PAAS_PREFIX", str(tmp_path / "prefix"))
    monkeypatch.setenv("PAAS_CONFIG", str(tmp_path / "paas.toml"))
    return read_wishes()


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "-m", "first", cwd=folder)
    return folder


def make(wishes, name: str) -> Release:
    release = Release(wishes.prefix / "releases" / name)
    release.folder.mkdir(parents=True)
    (release.folder / COMPLETE).touch()
    return release


def test_a_release_is_named_by_version_and_commit(checkout, wishes):
    commit = git("rev-parse", "--short=8", "HEAD", cwd=checkout).strip()
    assert release_of(checkout, wishes).name == f"1.2.3-{commit}"


def test_a_changed_checkout_is_another_release_and_the_same_change_the_same(checkout, wishes):
    clean = release_of(checkout, wishes)
    (checkout / "new.py").write_text("x = 1\n")
    changed = release_of(checkout, wishes)
    assert changed != clean and changed == release_of(checkout, wishes)


def test_files_that_git_ignores_make_no_other_release(checkout, wishes):
    (checkout / ".gitignore").write_text("*.pyc\n")
    before = release_of(checkout, wishes)
    (checkout / "cache.pyc").write_text("x")
    assert release_of(checkout, wishes) == before


def test_current_is_switched_in_one_step_and_paas_follows(wishes):
    first, second = make(wishes, "1-a"), make(wishes, "2-b")
    assert current_release(wishes) is None
    switch_to(first, wishes)
    switch_to(second, wishes)
    assert current_release(wishes) == second
    assert f"exec {wishes.prefix}/current/venv/bin/paas" in wishes.wrapper.read_text()


def test_three_releases_stay_and_the_one_in_use_is_among_them(wishes):
    oldest = make(wishes, "1-a")
    switch_to(oldest, wishes)
    for number in range(2, 6):
        make(wishes, f"{number}-x")
    remove_old_releases(wishes)
    left = [folder.name for folder in (wishes.prefix / "releases").iterdir()]
    assert len(left) == 3 and "1-a" in left
