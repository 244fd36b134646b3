"""Pushes that meet: of two apps, of one app; the queue, its places, and what a push may carry."""

from __future__ import annotations

import json
import signal
import subprocess
import time

from tests.journeys.installation import Installation
from tests.journeys.leftovers import assert_nothing_is_left
from tests.journeys.prober import Prober
from tests.journeys.repository import Repository, small_app
from tests.waiting import wait_until

WAIT = "import os, time\nwhile not os.path.exists('/tmp/go'):\n    time.sleep(0.02)\n"
CHECKS = {"healthchecks": {"web": [{"type": "startup", "listening": True, "attempts": 12, "wait": 5}]}}


def held(version: str) -> dict[str, str]:
    """An app that listens when it is let go, so that others can wait behind its deploy."""
    files = small_app(version)
    return files | {"server.py": WAIT + files["server.py"], "app.json": json.dumps(CHECKS)}


def let_go(on: Installation, app: str) -> None:
    for container in on.runtime.containers(on.app(app).id):
        assert on.runtime.execute(container.name, ("touch", "/tmp/go"), tty=False).exit_code() == 0


def deployed(on: Installation, app: str) -> Repository:
    repository = on.repository(app)
    repository.commit(small_app("zero"))
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    return repository


def clone(on: Installation, app: str) -> Repository:
    """A second developer's tree."""
    other = on.repository(app)
    other.git("pull", "-q", "paas", "main")
    return other


def running(on: Installation, app: str) -> bool:
    return any(job.app_name == app and job.state == "running" and job.step == "health" for job in on.jobs())


def waiting_commits(on: Installation, app: str) -> list[str]:
    return [job.payload["push"]["new"] for job in on.jobs() if job.app_name == app and job.state == "queued"]


def ended(push: subprocess.Popen[str]) -> tuple[int, str]:
    said = push.communicate(timeout=60)[0]
    return push.returncode, said


def test_two_apps_are_deployed_at_the_same_time(shared: Installation) -> None:
    trees = {app: shared.repository(app) for app in ("left", "right")}
    for tree in trees.values():
        tree.commit(held("one"))
    pushes = [tree.start("push", "paas", "main") for tree in trees.values()]
    wait_until(lambda: all(running(shared, app) for app in trees), what="both at once")
    for app in trees:
        let_go(shared, app)
    assert [ended(push)[0] for push in pushes] == [0, 0]
    assert [shared.get(app) for app in trees] == [(200, "one")] * 2
    assert_nothing_is_left(shared)


def test_a_second_push_waits_its_turn_and_a_newer_one_takes_its_place(shared: Installation) -> None:
    first = deployed(shared, "turns")
    others = [clone(shared, "turns") for _ in range(2)]
    first.commit(held("one"))
    pushes = [first.start("push", "paas", "main")]
    wait_until(lambda: running(shared, "turns"), what="the first deploy")
    base = first.head
    for number, tree in enumerate(others, 2):
        tree.git("fetch", "-q", str(first.folder), "main")
        tree.git("reset", "-q", "--hard", base)  # they build upon the push that still runs
        tree.commit(small_app(f"number {number}"))
        pushes.append(tree.start("push", "--force", "paas", "main"))
        wait_until(lambda commit=tree.head: waiting_commits(shared, "turns") == [commit], what="a queued push")
    let_go(shared, "turns")
    (code, said), (second_code, second_said), (third_code, third_said) = (ended(push) for push in pushes)
    assert code == 0, said
    assert second_code == 1 and "Queued as number 2" in second_said and "superseded" in second_said
    assert third_code == 0 and "Takes the place of an older push" in third_said, third_said
    assert shared.get("turns") == (200, "number 3")
    assert first.remote_branch() == others[1].head
    assert [each["version"] for each in shared.ask("releases", "turns")] == ["v3", "v2", "v1"]


def test_a_push_that_does_not_know_what_was_deployed_before_its_turn_is_refused(shared: Installation) -> None:
    first = deployed(shared, "moved")
    other = clone(shared, "moved")
    first.commit(held("one"))
    other.commit(small_app("mine"))
    pushed = first.start("push", "paas", "main")
    wait_until(lambda: running(shared, "moved"), what="the first deploy")
    waiting = other.start("push", "paas", "main")
    wait_until(lambda: waiting_commits(shared, "moved") == [other.head], what="a queued push")
    let_go(shared, "moved")
    code, said = ended(waiting)
    assert ended(pushed)[0] == 0
    assert code == 1 and "main moved while you waited: fetch and push again" in said
    assert shared.get("moved") == (200, "one") and first.remote_branch() == first.head
    other.git("pull", "-q", "--rebase", "-X", "theirs", "paas", "main")
    other.commit(small_app("mine"))  # without what held the first
    assert other.push().returncode == 0
    assert shared.get("moved") == (200, "mine")


def test_a_pusher_who_leaves_does_not_stop_the_deploy(shared: Installation) -> None:
    repository = deployed(shared, "left-alone")
    commit = repository.commit(held("one"))
    push = repository.start("push", "paas", "main")
    wait_until(lambda: running(shared, "left-alone"), what="the deploy")
    push.send_signal(signal.SIGINT)
    assert push.wait(60) != 0
    let_go(shared, "left-alone")
    push.communicate()  # its ssh was left to itself, and ends with the deploy
    wait_until(lambda: shared.get("left-alone") == (200, "one"), what="the deploy's end")
    wait_until(lambda: repository.remote_branch() == commit, what="the branch")
    assert_nothing_is_left(shared)


def test_a_cancelled_build_ends_at_once_and_changes_nothing(shared: Installation) -> None:
    repository = deployed(shared, "cancelled")
    old = repository.head
    files = small_app("one")
    files["Dockerfile"] += f"RUN echo {time.time()} && sleep 60\n"
    repository.commit(files)
    push = repository.start("push", "paas", "main")
    wait_until(lambda: any(it.app_name == "cancelled" and it.step == "build" for it in shared.jobs()[-1:]))
    time.sleep(0.5)  # the build itself, not only its beginning
    began = time.monotonic()
    assert shared.ssh("builds:cancel", "cancelled").returncode == 0
    code, said = ended(push)
    assert time.monotonic() - began < 30  # the build itself takes a minute
    assert code == 1 and "Cancelled" in said
    assert shared.get("cancelled") == (200, "zero") and repository.remote_branch() == old
    assert_nothing_is_left(shared)
    again = shared.ssh("builds:cancel", "cancelled")
    assert again.returncode == 1 and "[build-ended]" in again.stderr


def test_other_branches_and_deletions_refuse_only_themselves(shared: Installation) -> None:
    repository = deployed(shared, "refs")
    commit = repository.commit(small_app("one"))
    pushed = repository.push("paas", "main", "main:feature")
    assert pushed.returncode == 1
    assert "main -> feature (only main is deployed: git push paas feature:main" in pushed.stderr
    assert shared.get("refs") == (200, "one") and repository.remote_branch() == commit
    alone = repository.push("paas", "main:feature")
    assert alone.returncode == 1 and repository.remote_branch("feature") == ""
    deleted = repository.push("paas", ":main")
    assert deleted.returncode == 1 and "the deploy branch cannot be deleted" in deleted.stderr
    assert repository.remote_branch() == commit
    atomic = repository.push("--atomic", "paas", f"{repository.commit(small_app('two'))}:main", "main:feature")
    assert atomic.returncode == 1
    assert shared.get("refs") == (200, "one") and repository.remote_branch() == commit


def test_tags_come_along_with_a_deploy_that_succeeds(shared: Installation) -> None:
    repository = deployed(shared, "tags")
    files = small_app("bad")
    files["Dockerfile"] += "RUN false\n"
    repository.commit(files)
    repository.git("tag", "-a", "v-bad", "-m", "bad")
    assert repository.push("--follow-tags", "paas", "main").returncode == 1
    repository.commit(small_app("good"))
    repository.git("tag", "-a", "v-good", "-m", "good")
    repository.git("tag", "-d", "v-bad")
    pushed = repository.push("--follow-tags", "paas", "main")
    assert pushed.returncode == 0, pushed.stderr
    tags = repository.git("ls-remote", "--tags", "paas").stdout
    assert "v-good" in tags and "v-bad" not in tags
    repository.git("tag", "loose")
    loose = repository.push("paas", "loose")
    assert loose.returncode == 1 and "tags are kept with a deploy" in loose.stderr


def test_a_force_push_deploys_and_push_options_are_known_or_named(shared: Installation) -> None:
    repository = deployed(shared, "forced")
    repository.commit(small_app("one"))
    assert repository.push().returncode == 0
    repository.git("reset", "-q", "--hard", "HEAD~1")
    commit = repository.commit(small_app("rewritten"))
    assert repository.push().returncode == 1  # git itself refuses without --force
    assert repository.push("--force", "paas", "main").returncode == 0
    assert shared.get("forced") == (200, "rewritten") and repository.remote_branch() == commit
    repository.commit(small_app("two"))
    unknown = repository.push("-o", "ci.skip=1", "paas", "main")
    assert (
        unknown.returncode == 1 and "Unknown push option 'ci.skip'" in unknown.stderr and "no-cache" in unknown.stderr
    )
    assert shared.get("forced") == (200, "rewritten")
    fresh = repository.push("-o", "no-cache", "paas", "main")
    assert fresh.returncode == 0, fresh.stderr
    assert shared.get("forced") == (200, "two")


def test_a_renamed_app_goes_on_and_its_old_name_is_free(shared: Installation) -> None:
    repository = deployed(shared, "old-name")
    with Prober(shared.http_port, shared.host("old-name")) as prober:
        time.sleep(0.1)
    assert prober.failures == []
    containers = [each["container"] for each in shared.ask("ps", "old-name")]
    renamed = shared.ssh("apps:rename", "old-name", "new-name")
    assert renamed.returncode == 0, renamed.stderr
    assert shared.get("new-name") == (200, "zero") and shared.get("old-name")[0] == 404
    assert [each["container"] for each in shared.ask("ps", "new-name")] == containers
    repository.git(
        "remote", "set-url", "paas", repository.git("remote", "get-url", "paas").stdout.strip()[:-8] + "new-name"
    )
    repository.commit(small_app("one"))
    assert repository.push().returncode == 0
    deployed(shared, "old-name")
    assert shared.get("old-name") == (200, "zero") and shared.get("new-name") == (200, "one")


def test_an_app_under_the_name_of_a_destroyed_one_never_meets_its_remains(shared: Installation) -> None:
    repository = deployed(shared, "phoenix")
    assert shared.ssh("config:set", "phoenix", "SECRET=ashes").returncode == 0
    app_id = shared.app("phoenix").id
    destroyed = shared.ssh("apps:destroy", "phoenix", "--force")
    assert destroyed.returncode == 0, destroyed.stderr
    assert shared.get("phoenix")[0] == 404 and shared.ssh("apps:info", "phoenix").returncode == 20
    assert shared.runtime.containers(app_id) == [] and shared.runtime.images(app_id) == []
    assert not (shared.home / "logs" / app_id).exists()
    assert_nothing_is_left(shared)
    assert shared.ssh("apps:create", "phoenix").returncode == 0
    assert shared.ssh("config:export", "phoenix").stdout.strip() == ""
    assert shared.ssh("logs", "phoenix").stdout == ""
    assert repository.remote_branch() == ""
    deployed(shared, "phoenix")
    assert shared.get("phoenix", "/env/SECRET") == (200, "")
    assert shared.app("phoenix").id != app_id
    assert [each["version"] for each in shared.ask("releases", "phoenix")] == ["v1"]
