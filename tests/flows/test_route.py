"""Nginx is told the whole, and a deploy of one app never takes back the switch of another."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

from paas.flows.reconcile import reconcile
from paas.flows.route import apply_sites
from paas.model import Address, App, Database, Domain, GlobalSetting, Image, Process, Release
from paas.ports import Applied, ContainerSpec, ImageFacts, Sites
from paas.rules.jobs import Route
from tests.flows.stage import APP, Stage


def test_an_app_is_served_by_all_its_names(stage: Stage) -> None:
    stage.push("a")
    with stage.on.database.write() as session:
        session.add(Domain(name="www.example.com", app_id=APP, created_at=stage.clock.now()))
        session.add(GlobalSetting(name="domains", value=["example.org"]))
        session.get_one(App, APP).proxy_settings = {"upload-limit": 5_000_000}
    job = stage.run(stage.queue(Route(), app_id=None))
    assert job.state == "succeeded", stage.log(job.id)
    site = stage.proxy.site(APP)
    assert site is not None
    assert site.hosts == ("blog.example.org", "www.example.com")
    assert site.upload_limit == 5_000_000


def test_a_hidden_app_has_no_site_and_its_row_s_nonsense_hurts_nobody(stage: Stage) -> None:
    stage.push("a")
    for kept in ({"upload-limit": "1m; deny all"}, {"upload-limit": -1}, {"upload-limit": None}):
        with stage.on.database.write() as session:
            session.get_one(App, APP).proxy_settings = kept
        apply_sites(stage.on)
        site = stage.proxy.site(APP)
        assert site is not None and site.upload_limit == stage.on.settings.upload_limit
    with stage.on.database.write() as session:
        session.get_one(App, APP).proxy_settings = {"hidden": True}
        session.add(Domain(name="www.example.com", app_id=APP, created_at=stage.clock.now()))
    apply_sites(stage.on)
    assert stage.proxy.site(APP) is None


def test_an_app_without_a_release_has_a_site_that_says_so(stage: Stage) -> None:
    apply_sites(stage.on)
    site = stage.proxy.site(APP)
    assert site is not None
    assert site.state == "never-deployed"


def test_a_broken_site_is_said_and_the_others_are_served(stage: Stage) -> None:
    stage.proxy.broken[APP] = "unknown directive"
    job = stage.run(stage.queue(Route(), app_id=None))
    assert job.state == "succeeded"
    assert "The site of blog is left as it was: unknown directive" in stage.log(job.id)


def test_a_rendering_for_another_app_in_the_middle_of_a_switch_keeps_the_switch(stage: Stage) -> None:
    stage.push("a")
    job_id = stage.queue_push("b")
    stage.kill_at(job_id, "deploy.switch.after")  # nginx has the new copy, the release is not current yet
    assert stage.serves() == ["web.1 v2"]
    apply_sites(stage.on)
    assert stage.serves() == ["web.1 v2"]


class SlowProxy:
    """Takes its time, and counts."""

    def __init__(self) -> None:
        self.renderings = 0
        self.at_once = 0
        self.most_at_once = 0

    def apply(self, sites: Sites) -> Applied:
        self.renderings += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.2)
        self.at_once -= 1
        return Applied(self.renderings)


def test_many_wishes_at_once_are_few_renderings_one_at_a_time(stage: Stage) -> None:
    proxy = SlowProxy()
    on = replace(stage.on, proxy=proxy)  # type: ignore[arg-type]
    together = threading.Barrier(12)

    def wish() -> None:
        together.wait()
        apply_sites(on)

    threads = [threading.Thread(target=wish) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert proxy.most_at_once == 1
    assert proxy.renderings <= 4


def test_a_pass_over_five_hundred_apps_does_nothing_to_what_is_well(sqlite_database: Database, tmp_path: Path) -> None:
    stage = Stage(sqlite_database, tmp_path)
    add_apps(stage, 500)
    reconcile(stage.on)
    calls = list(stage.runtime.calls)
    before = time.monotonic()
    reconcile(stage.on)
    seconds = time.monotonic() - before
    print(f"a reconcile pass over 500 apps without Docker and nginx: {seconds:.3f} s")
    assert len(stage.proxy.applied.sites) == 501
    assert stage.runtime.calls == calls


def add_apps(stage: Stage, count: int) -> None:
    """Apps that serve, as rows and as containers."""
    now = stage.clock.now()
    stage.runtime.add_image(ImageFacts("sha256:1", ("t",), 1, now, (), (), ("serve",), "", {}))
    with stage.on.database.write() as session:
        for number in range(count):
            app_id = f"app{number:05d}"
            name = f"paas-{app_id}-web-1-r1"
            address = f"10.{208 + number // 250}.{number % 250}.2"
            session.add(App(id=app_id, name=f"app-{number}", created_at=now, current_release_id=number + 1))
            session.flush()
            session.add(
                Image(
                    id=number + 1, app_id=app_id, job_id=number + 1, docker_id="sha256:1", tag="t", builder="python",
                    size=1, created_at=now,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Release(
                    id=number + 1, app_id=app_id, version=1, status="current", cause="deploy", description="",
                    image_id=number + 1, sealed_config=b"", processes={"web": None}, manifest={}, port=5000,
                    created_by="ada", created_at=now,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Process(
                    container=name, app_id=app_id, process_type="web", copy=1, rollout=1, release_id=number + 1,
                    state="live", is_routed=True, created_at=now,
                )
            )  # fmt: skip
            session.add(Address(address=address, app_id=app_id, container=name))
            stage.runtime.start(ContainerSpec(name, "sha256:1", app_id, name, "web", 1, 1, 1, address=address))
