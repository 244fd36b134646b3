"""The dashboard on a whole platform: a push watched live, going back by a button, and who sees and does nothing."""

from __future__ import annotations

import re

import requests
from playwright.sync_api import Browser, Page, expect

from tests.journeys.installation import Installation
from tests.journeys.repository import small_app
from tests.waiting import wait_until


def sign_in(chromium: Browser, shared: Installation, name: str, password: str) -> Page:
    page = chromium.new_context().new_page()
    page.goto(f"http://paas.localhost:{shared.http_port}/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/apps")
    return page


def succeeded(page: Page) -> None:
    page.wait_for_url("**/builds/*")
    expect(page.locator("#build-head .badge")).to_have_text(re.compile("Succeeded"), timeout=30_000)


def test_a_deploy_is_watched_from_push_to_live_and_taken_back(shared: Installation, chromium: Browser) -> None:
    password = shared.add_user("web-ana")
    home = f"http://paas.localhost:{shared.http_port}"
    repository = shared.repository("watched", user="web-ana")
    repository.commit(small_app("one"))
    assert repository.push().returncode == 0
    page = sign_in(chromium, shared, "web-ana", password)
    expect(page.get_by_role("link", name="watched", exact=True)).to_be_visible()

    files = small_app("two")
    steps = "".join(f"echo step-{count}; sleep 0.1; " for count in range(40))
    files["Dockerfile"] = files["Dockerfile"].replace("CMD", f"RUN {steps}true\nCMD")
    repository.commit(files)
    push = repository.start("push", "paas", "main")
    build = wait_until(lambda: [job.id for job in shared.jobs() if job.state == "running"], what="a build")[-1]
    page.goto(f"{home}/apps/watched/builds/{build}")
    expect(page.locator("#follow-state")).to_have_text("Following")
    expect(page.locator("#log li").nth(5)).to_be_visible(timeout=20_000)
    shared.kill("web")  # cuts the stream, and for a moment nobody answers
    expect(page.locator("#build-head .badge")).to_have_text(re.compile("Succeeded"), timeout=40_000)
    expect(page.locator("#build-steps")).to_contain_text("Switch traffic")
    shown = page.locator("#log li").all_inner_texts()
    page.reload()
    assert page.locator("#log li").all_inner_texts() == shown  # what was followed through the cut is what is there
    assert push.wait(60) == 0 and shared.get("watched") == (200, "two")

    page.goto(f"{home}/apps/watched/deployments")
    page.get_by_role("button", name="Roll back to v1").click()
    succeeded(page)
    assert shared.get("watched") == (200, "one")

    page.goto(f"{home}/apps/watched/environment")
    page.get_by_label("As in an .env file").fill("GREETING='good day'")
    page.get_by_role("button", name="Import", exact=True).click()
    succeeded(page)
    assert shared.get("watched", "/env/GREETING") == (200, "good day")

    page.goto(f"{home}/apps/watched/domains")
    page.get_by_label("Host name").fill("watched.example.org")
    page.get_by_role("button", name="Add", exact=True).click()
    succeeded(page)
    assert shared.get("watched", host="watched.example.org") == (200, "one")


def test_a_key_added_on_its_page_signs_in(shared: Installation, chromium: Browser) -> None:
    shared.add_user("web-bea")
    password = str(shared.ask("users:set", "web-bea", "--password")["password"])
    shared.ssh("ssh-keys:remove", "web-bea", "--user", "web-bea")
    assert shared.ssh("version", user="web-bea").returncode == 255
    page = sign_in(chromium, shared, "web-bea", password)
    page.goto(f"http://paas.localhost:{shared.http_port}/keys")
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("Public key").fill((shared.folder / "web-bea.pub").read_text())
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("cell", name="laptop", exact=True)).to_be_visible()
    assert shared.ssh("version", user="web-bea").returncode == 0


def test_a_member_without_a_grant_sees_nothing_by_any_door(shared: Installation, chromium: Browser) -> None:
    shared.ssh("apps:create", "unseen")
    page = sign_in(chromium, shared, "web-cleo", shared.add_user("web-cleo"))
    expect(page.locator("main")).not_to_contain_text("unseen")
    token = shared.ask("tokens:create", "t", user="web-cleo")["token"]
    cookie = page.context.cookies()[0]
    assert cookie["domain"] == "paas.localhost" and cookie["httpOnly"]
    here, host = f"http://127.0.0.1:{shared.http_port}", f"paas.localhost:{shared.http_port}"
    said = []
    for name in ("unseen", "absent"):
        api = requests.get(f"{here}/api/v1/apps/{name}", headers={"Host": host, "Authorization": f"Bearer {token}"})
        web = requests.get(f"{here}/apps/{name}", headers={"Host": host, "Cookie": f"paas={cookie['value']}"})
        ssh = shared.ssh("apps:info", name, user="web-cleo")
        said.append(
            (api.status_code, api.text.replace(name, "*"), web.status_code, web.text.replace(name, "*"),
             ssh.returncode, ssh.stderr.replace(name, "*"))
        )  # fmt: skip
    assert said[0] == said[1] and said[0][0] == said[0][2] == 404 and said[0][4] == 20


def test_an_app_of_the_platform_makes_the_dashboard_do_nothing(shared: Installation, chromium: Browser) -> None:
    """A page of an app: a form that it posts, and requests with the visitor's cookies."""
    home = f"http://paas.localhost:{shared.http_port}"
    page = sign_in(chromium, shared, "web-dora", shared.add_user("web-dora"))
    shared.ssh("apps:create", "kept", user="web-dora")
    attack = (
        f"<form method=post action={home}/do/apps:destroy><input name=app value=kept></form>"
        f"<script>fetch('{home}/do/apps:destroy', {{method: 'POST', mode: 'no-cors', credentials: 'include',"
        f" body: new URLSearchParams({{app: 'kept'}})}}).finally(() => document.forms[0].submit())</script>"
    )
    repository = shared.repository("hostile", user="web-dora")
    files = small_app("x")
    files["server.py"] = (
        files["server.py"]
        .replace("'x'.encode()", f"{attack!r}.encode()")
        .replace("self.send_response(200)", 'self.send_response(200); self.send_header("Content-Type", "text/html")')
    )
    repository.commit(files)
    assert repository.push().returncode == 0
    page.goto(f"http://hostile.localhost:{shared.http_port}/")
    page.wait_for_url(re.compile(re.escape(home)))
    assert shared.ssh("apps:exists", "kept", user="web-dora").returncode == 0
    page.goto(f"{home}/apps")
    expect(page.get_by_role("link", name="kept", exact=True)).to_be_visible()
