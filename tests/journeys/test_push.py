"""From `git push` to an answer through nginx, and what a failed push leaves: nothing."""

from __future__ import annotations

from tests.journeys.installation import Installation
from tests.journeys.prober import Prober
from tests.journeys.repository import small_app


def test_a_push_creates_the_app_and_puts_it_live(platform: Installation) -> None:
    repository = platform.repository("first")
    commit = repository.commit(small_app("one"))
    pushed = repository.push()
    assert pushed.returncode == 0, pushed.stderr
    assert "live at http://first.localhost" in pushed.stderr
    assert platform.get("first") == (200, "one")
    assert repository.remote_branch() == commit
    second = repository.commit(small_app("two"))
    with Prober(platform.http_port, "first.localhost") as prober:
        assert repository.push().returncode == 0
    assert prober.failures == []
    assert set(prober.answers) == {"one", "two"}
    assert platform.get("first") == (200, "two")
    assert repository.remote_branch() == second
    assert [release["version"] for release in platform.ask("releases", "first")] == ["v2", "v1"]


def test_a_broken_build_is_refused_and_the_old_release_serves(platform: Installation) -> None:
    repository = platform.repository("broken")
    good = repository.commit(small_app("good"))
    assert repository.push().returncode == 0
    files = small_app("bad")
    files["Dockerfile"] += "RUN echo about-to-fail && exit 7\n"
    repository.commit(files)
    with Prober(platform.http_port, "broken.localhost") as prober:
        pushed = repository.push()
    assert pushed.returncode != 0
    assert "remote rejected" in pushed.stderr and "about-to-fail" in pushed.stderr
    assert "v1 still serves" in pushed.stderr
    assert prober.failures == [] and set(prober.answers) == {"good"}
    assert repository.remote_branch() == good
    assert len(platform.ask("releases", "broken")) == 1  # a failed build takes no number


def test_a_failing_release_phase_keeps_the_old_release(platform: Installation) -> None:
    repository = platform.repository("phase")
    repository.commit(small_app("good"))
    assert repository.push().returncode == 0
    procfile = "web: python3 -u server.py\nrelease: echo migrating; exit 4\n"
    repository.commit(small_app("bad", Procfile=procfile))
    pushed = repository.push()
    assert pushed.returncode != 0 and "migrating" in pushed.stderr
    assert platform.get("phase") == (200, "good")
    releases = platform.ask("releases", "phase")
    assert [(release["version"], release["status"]) for release in releases] == [("v2", "failed"), ("v1", "current")]


def test_a_health_check_that_never_passes_keeps_the_old_release(shared: Installation) -> None:
    repository = shared.repository("sick")
    repository.commit(small_app("good"))
    assert repository.push().returncode == 0
    files = small_app("bad")
    files["server.py"] = "import time\nprint('I listen to nobody', flush=True)\ntime.sleep(1000)\n"
    repository.commit(files)
    with Prober(shared.http_port, "sick.localhost") as prober:
        pushed = repository.push()
    assert pushed.returncode != 0
    assert "I listen to nobody" in pushed.stderr and "5000" in pushed.stderr
    assert prober.failures == [] and set(prober.answers) == {"good"}
