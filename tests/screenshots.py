"""What does the dashboard look like? Every page after a week of somebody's work, on desktop and phone, light and dark.

make screenshots            # writes build/screenshots/
python -m tests.screenshots FOLDER
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from paas.model import (
    App,
    Base,
    ConfigVariable,
    Database,
    Formation,
    JobStep,
    Process,
    Release,
    SshKey,
    delete,
    select,
    update,
)
from tests.web.world import PASSWORD, WebWorld

SIZES = {"desktop": (1280, 800), "phone": (375, 812)}
SCHEMES = ("light", "dark")
BUILD_LOG = """\
\x1b[1m----->\x1b[0m Source of 4f1c9ab: 212 files, 1.4 MB
\x1b[1m----->\x1b[0m Python app: pyproject.toml, uv.lock
       Python 3.13 (requires-python >=3.12)
       Installing 41 packages with uv
       \x1b[32m+\x1b[0m django 5.2.4
       \x1b[32m+\x1b[0m gunicorn 23.0.0
       \x1b[32m+\x1b[0m psycopg 3.2.9
       \x1b[32m+\x1b[0m whitenoise 6.9.0
       Installed in 0.9 s
       Collecting static files
       \x1b[33m!\x1b[0m 2 files of that name: admin/css/base.css
       164 static files copied, 398 post-processed
\x1b[1m----->\x1b[0m Image of 94 MB in 1.3 s
\x1b[1m----->\x1b[0m Release v{version}: web, worker, release
       Running: python manage.py migrate
       Operations to perform: apply all migrations: admin, auth, shop
         Applying shop.0017_basket_total... \x1b[32mOK\x1b[0m
\x1b[1m----->\x1b[0m Starting web.1 web.2 worker.1
       Waiting for port 5000: GET /health
"""
BROKEN_LOG = """\
\x1b[1m----->\x1b[0m Source of 91be003: 48 files, 220 kB
\x1b[1m----->\x1b[0m Node app: package.json, package-lock.json
       Node 20 (engines.node >=20)
       npm ci
       npm error code E404
       npm error 404 Not Found - GET left-padd
       npm error 404  'left-padd@^1.3.0' is not in this registry.
\x1b[31m !     The build failed: npm ci exited with 1\x1b[0m
"""


def furnish(world: WebWorld) -> dict[str, int]:
    """Apps in every state, and people at work; the builds to look at, by what is seen in them."""
    for name in ("shop", "blog", "orders", "docs", "mailer", "radar", "new-idea"):
        world.call(world.admin, "apps:create", name=name)
    commits = {name: sha1(name.encode()).hexdigest() for name in ("shop", "blog", "orders", "radar")}
    for name, versions, processes in (
        ("shop", 5, ("web", "worker")), ("blog", 3, ("web",)), ("orders", 12, ("web", "worker", "clock")),
        ("docs", 2, ("web",)), ("mailer", 1, ("worker",)), ("radar", 4, ("web",)),
    ):  # fmt: skip
        world.deployed(name, versions=versions, processes=processes)
        _live(world, name, processes)
    _tell_history(world, commits)
    world.call(world.admin, "domains:add", app="shop", names=["shop.example.org", "www.shop.example.org"])
    world.call(world.admin, "apps:lock", app="orders")
    with world.on.database.write() as session:
        session.execute(update(App).where(App.name == "docs").values(is_stopped=True))
        session.execute(delete(Process).where(Process.app_id == world.app("docs").id))
        session.add(Formation(app_id=world.app("shop").id, process_type="web", quantity=2))
        session.add(Formation(app_id=world.app("shop").id, process_type="worker", quantity=1))
        now = world.clock.now()
        for key in ("DATABASE_URL", "DJANGO_SECRET_KEY", "SENTRY_DSN", "TZ"):
            session.add(
                ConfigVariable(
                    app_id=world.app("shop").id, key=key, is_build=key == "SENTRY_DSN", sealed=world.on.vault.seal("x"),
                    updated_at=now, updated_by="ana",
                )
            )  # fmt: skip
        for number, name in enumerate(("laptop", "office", "ci")):
            session.add(
                SshKey(
                    user_id=world.admin.user_id, name=name, kind="ssh-ed25519", public_key=f"AAAA{number}",
                    fingerprint=f"SHA256:{'Zk8rQ2v1YbT0mLx4nW7cJ5dH9sPfGaEu3iKoRqVtXyB'[number:]}{'xyz'[:number]}",
                    created_at=now - timedelta(days=60), last_used_at=now - timedelta(minutes=4, days=number * 3),
                )
            )  # fmt: skip
    return _build(world, commits)


def _live(world: WebWorld, name: str, processes: tuple[str, ...]) -> None:
    app = world.app(name)
    with world.on.database.write() as session:
        for process in processes:
            for copy in range(1, 3 if process == "web" and name in ("shop", "orders") else 2):
                has_crashed = name == "mailer"
                session.add(
                    Process(
                        container=f"paas-{app.id}-{process}-{copy}-r7", app_id=app.id, process_type=process, copy=copy,
                        rollout=7, release_id=app.current_release_id, state="live", is_routed=process == "web",
                        created_at=world.clock.now() - timedelta(hours=2, minutes=11 * copy),
                        restarts=6 if has_crashed else 0, exit_code=1 if has_crashed else None,
                        crashed_at=world.clock.now() if has_crashed else None,
                    )
                )  # fmt: skip


def _tell_history(world: WebWorld, commits: dict[str, str]) -> None:
    """Moments, authors and words of the releases: as if made over a week."""
    now = world.clock.now()
    words = ("Deploy {commit}", "Deploy {commit}", "Set SENTRY_DSN", "Deploy {commit}", "Rollback to v2")
    with world.on.database.write() as session:
        for release in session.scalars(select(Release)):
            name = next((each for each in commits if world.app(each).id == release.app_id), "docs")
            commit = sha1(f"{name} {release.version}".encode()).hexdigest()
            app = session.get(App, release.app_id)
            newer = (app.last_version if app else 1) - release.version
            age = timedelta(hours=len(name) % 5 * 9 + 2 + 19 * newer)
            release.commit = commit
            release.description = words[release.version % len(words)].format(commit=commit[:7])
            release.created_at = release.finished_at = now - age
            release.created_by = ("ana", "ben")[release.version % 3 == 0]


def _build(world: WebWorld, commits: dict[str, str]) -> dict[str, int]:
    now = world.clock.now()

    def job(app: str, state: str, minutes: float, seconds: float, log: str, **facts: object) -> int:
        start = now - timedelta(minutes=minutes)
        made = world.job(app, state, log=log, created_at=start, claimed_at=start, **facts)
        if state not in ("queued", "running"):
            world.end(made, state, ended_at=start + timedelta(seconds=seconds))
        return made

    def steps(made: int, minutes: float, *lasting: tuple[str, float], last: str = "done") -> None:
        moment = now - timedelta(minutes=minutes)
        with world.on.database.write() as session:
            for index, (name, seconds) in enumerate(lasting):
                state = last if index == len(lasting) - 1 else "done"
                end = None if state == "running" else moment + timedelta(seconds=seconds)
                session.add(JobStep(job_id=made, name=name, started_at=moment, ended_at=end, state=state))
                moment += timedelta(seconds=seconds)

    push = {"push": {"branch": "main", "old": None, "new": commits["shop"]}}
    log = BUILD_LOG.replace("{version}", "5")
    job("shop", "succeeded", 9000, 6.1, log, payload=push, result={"version": 3})
    job("shop", "failed", 4000, 3.4, BROKEN_LOG, payload=push, result_message="Release task exited with 1",
        result_code="release-failed", created_by="ben")  # fmt: skip
    job("shop", "succeeded", 1500, 0.9, log, kind="rollback", result={"version": 4}, via="web")
    good = job("shop", "succeeded", 120, 4.2, log, payload=push, result={"version": 5})
    begun = (("receive", 0.1), ("detect", 0.1), ("build", 1.3), ("release", 0.6))
    steps(good, 120, *begun, ("start", 0.7), ("health", 1.2), ("switch", 0.2))
    failed = job(
        "blog", "failed", 12, 3.4, BROKEN_LOG, payload=push, created_by="ben", result_code="build-failed",
        result_message="The build failed: npm ci exited with 1",
        result_hint="'left-padd' is in no registry: look at the dependencies in package.json",
    )  # fmt: skip
    steps(failed, 12, ("receive", 0.1), ("detect", 0.1), ("build", 3.2), last="failed")
    running = job("radar", "running", 0.08, 0, log, payload=push)
    steps(running, 0.08, *begun, ("start", 0.8), ("health", 0), last="running")
    job("orders", "queued", 0.05, 0, "", payload=push)
    lines = "".join(
        f"{(now - timedelta(seconds=90 - each)).strftime('%Y-%m-%dT%H:%M:%S')}.10{each:02}Z web.1 r7 o"
        f" \x1b[32m200\x1b[0m GET /basket {each % 7 + 9} ms\n"
        for each in range(60)
    )
    world.logs.append(f"{world.app('shop').id}/web.1.log", lines)
    return {"good": good, "failed": failed, "running": running}


def pages(builds: dict[str, int]) -> dict[str, str]:
    return {
        "apps": "/apps", "app": "/apps/shop", "app-new": "/apps/new-idea", "app-crashed": "/apps/mailer",
        "deployments": "/apps/shop/deployments", "environment": "/apps/shop/environment",
        "variable": "/apps/shop/environment/TZ", "domains": "/apps/shop/domains",
        "logs": "/apps/shop/logs", "keys": "/keys",
        "build": f"/apps/shop/builds/{builds['good']}", "build-failed": f"/apps/blog/builds/{builds['failed']}",
        "build-running": f"/apps/radar/builds/{builds['running']}", "refused": "/apps/nobodys",
    }  # fmt: skip


def shoot(folder: Path, only: tuple[str, ...] = ()) -> None:
    """Write NAME-SIZE-SCHEME.png for all pages (or those named)."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        database = Database(f"sqlite:///{place}/paas.db")
        Base.metadata.create_all(database.engine)
        world = WebWorld(database, now=datetime.now(UTC))
        builds = furnish(world)
        with world.served() as port:
            rules = f"MAP *.example.com 127.0.0.1:{port}"
            arguments = ["--no-sandbox", f"--host-resolver-rules={rules}"]
            chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
            for size, (width, height) in SIZES.items():
                for scheme in SCHEMES:
                    context = chromium.new_context(
                        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1,
                        reduced_motion="reduce",
                    )  # fmt: skip
                    page = context.new_page()
                    _shoot_all(page, folder, f"{size}-{scheme}", pages(builds), only)
                    context.close()
            chromium.close()
        database.close()


def _shoot_all(page: Page, folder: Path, suffix: str, found: dict[str, str], only: tuple[str, ...]) -> None:
    page.goto("http://paas.example.com/sign-in")
    if not only or "sign-in" in only:
        page.screenshot(path=folder / f"sign-in-{suffix}.png", full_page=True)
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/apps")
    for name, path in found.items():
        if only and name not in only:
            continue
        page.goto(f"http://paas.example.com{path}", wait_until="load")
        if name == "build-running":
            page.locator("#follow-state.live").wait_for()
        page.screenshot(path=folder / f"{name}-{suffix}.png", full_page=True)


if __name__ == "__main__":
    shoot(Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots"), tuple(sys.argv[2:]))
