"""What does somebody at a browser see and do? Each page with data, with and without JavaScript, by a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import event as engine_events

from paas.model import Database, WebSession, delete
from tests.web.cuttable import CuttableLine, cuttable
from tests.web.world import PASSWORD, WebWorld


def at(line: CuttableLine) -> str:
    return f"http://paas.example.com:{line.port}"


@contextmanager
def person_at(chromium: Chromium, origin: str, **words: object) -> Iterator[Page]:
    """A signed-in page at `origin`; fails when the page broke the policy or threw."""
    context = chromium.new_context(**words)  # type: ignore[arg-type]
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.goto(f"{origin}/sign-in")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/apps")
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def test_an_app_is_made_and_given_variables_domains_and_keys(world: WebWorld, chromium: Chromium) -> None:
    with world.served() as port, person_at(chromium, f"http://paas.example.com:{port}") as page:
        expect(page.get_by_text("Three steps to your first app")).to_be_visible()
        page.get_by_label("Name").fill("blog")
        page.get_by_role("button", name="Create", exact=True).click()
        page.wait_for_url("**/apps/blog")
        expect(page.get_by_text("Waiting for your first push")).to_be_visible()
        page.get_by_role("link", name="Environment").click()
        page.get_by_label("As in an .env file").fill("GREETING='hello there'\nEMPTY=\n")
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("GREETING", exact=True)).to_be_visible()
        expect(page.get_by_text("hello there")).to_have_count(0)  # masked
        page.get_by_role("link", name="Domains").click()
        page.get_by_label("Host name").fill("www.example.org")
        page.get_by_role("button", name="Add", exact=True).click()
        page.wait_for_url("**/builds/*")
        expect(page.get_by_role("heading", name="Routes")).to_be_visible()
        page.goto(f"http://paas.example.com:{port}/keys")
        page.get_by_label("Name").fill("laptop")
        page.get_by_label("Public key").fill("ssh-ed25519 AAAA nonsense")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_role("link", name="Back").click()
        expect(page.get_by_role("heading", name="Add a key")).to_be_visible()
    assert world.call(world.admin, "config:get", app="blog", key="GREETING").text == "hello there"


VALUE = '\nl\'été "à" $HOME `x` \\\\ 😀\n\n  second line\t=;#\n'


def test_a_variable_is_set_looked_at_and_changed_as_it_was_typed(world: WebWorld, chromium: Chromium) -> None:
    world.call(world.admin, "apps:create", name="blog")
    with world.served() as port, person_at(chromium, f"http://paas.example.com:{port}") as page:
        page.goto(f"http://paas.example.com:{port}/apps/blog/environment")
        page.get_by_label("Key").fill("GREETING")
        page.get_by_label("Value").fill(VALUE)
        page.get_by_label("also give it to builds").check()
        page.get_by_role("button", name="Set", exact=True).click()
        page.get_by_role("link", name="GREETING").click()
        expect(page.get_by_label("Value")).to_have_value(VALUE)
        expect(page.get_by_label("also give it to builds")).to_be_checked()
        assert world.call(world.admin, "config:get", app="blog", key="GREETING").text == VALUE
        page.get_by_role("button", name="Save").click()  # unchanged
        page.wait_for_url("**/environment")
        assert world.call(world.admin, "config:get", app="blog", key="GREETING").text == VALUE
        page.get_by_role("link", name="GREETING").click()
        page.get_by_label("Value").fill("")
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/environment")
        assert world.call(world.admin, "config:get", app="blog", key="GREETING").text == ""
        page.get_by_role("link", name="GREETING").click()
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("No variables yet")).to_be_visible()


def test_a_value_that_no_browser_keeps_is_shown_but_not_changed(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    world.call(world.admin, "config:set", app="blog", pairs=["BELL=a\x07b\r\nc"])
    text = world.browser(world.admin).get("/apps/blog/environment/BELL").text
    assert "readonly" in text and "change it by SSH" in text and "Save" not in text and "\x07" not in text


def test_a_space_behind_a_name_is_a_slip_and_a_line_end_is_none(world: WebWorld) -> None:
    browser = world.browser(world.admin)
    assert browser.do("apps:create", name=" blog\t").headers["Location"] == "/apps/blog"
    assert browser.do("apps:create", name="journal\n").status_code == 422
    assert browser.do("config:set", app="blog", pair_key="A ", pair_value=" x\r\n").status_code == 303
    assert world.call(world.admin, "config:get", app="blog", key="A").text == " x\n"
    assert browser.do("config:set", app="blog", pair_key="A=B", pair_value="x").status_code == 422


def test_a_page_of_no_variable_is_not_found(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    answer = world.browser(world.admin).get("/apps/blog/environment/NOPE")
    assert answer.status_code == 404 and "config-key" in answer.text


def test_what_was_typed_and_refused_is_there_to_be_corrected(world: WebWorld, chromium: Chromium) -> None:
    world.call(world.admin, "apps:create", name="blog")
    with world.served() as port, person_at(chromium, f"http://paas.example.com:{port}") as page:
        page.goto(f"http://paas.example.com:{port}/apps/blog/environment")
        page.get_by_label("As in an .env file").fill("A=1\nB 2\nC=3")
        page.get_by_label("only remember them").check()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("Line 2")
        page.get_by_role("button", name="Try again").click()  # as wrong as before
        expect(page.get_by_role("alert")).to_contain_text("Line 2")
        page.get_by_label("As in an .env file").fill("A=1\nB=2\nC=3")
        page.get_by_role("button", name="Try again").click()
        page.wait_for_url("**/environment")
        expect(page.get_by_role("link", name="B", exact=True)).to_be_visible()


@pytest.mark.parametrize("level", ["view", "deploy", "operate"])
def test_people_get_the_buttons_that_they_may_press_and_else_the_reason(world: WebWorld, level: str) -> None:
    world.call(world.admin, "apps:create", name="blog")
    world.deployed("blog", versions=2)
    world.call(world.admin, "config:set", app="blog", pairs=["A=1"], no_restart=True)
    number = world.job("blog", "running", log="one\n")
    world.call(world.admin, "access:add", app="blog", user=world.member.name, level=level)
    browser = world.browser(world.member)
    pages = ("", "/deployments", "/environment", "/domains", f"/builds/{number}")
    texts = {page: browser.get(f"/apps/blog{page}").text for page in pages}
    shown = {name for text in texts.values() for name in re.findall(r'action="/do/([\w:-]+)"', text)}
    deploying = {"rollback", "builds:cancel"}
    operating = {"ps:restart", "ps:stop", "ps:scale", "config:set", "config:import", "config:unset", "domains:add",
                 "domains:remove"}  # fmt: skip
    assert shown == {"view": set(), "deploy": deploying, "operate": deploying | operating}[level]
    told = {page for page, text in texts.items() if f" on blog, you have {level}" in text}
    assert (
        told
        == {
            "view": {"", "/deployments", "/environment", "/domains"},
            "deploy": {"", "/environment", "/domains"},
            "operate": set(),
        }[level]
    )
    assert ("/apps/blog/environment/A" in texts["/environment"]) == (level == "operate")
    assert browser.get("/apps/blog/environment/A").status_code == (200 if level == "operate" else 403)


def test_a_running_build_is_followed_through_a_cut_without_a_line_lost_or_doubled(
    world: WebWorld, chromium: Chromium
) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "running", log="line 1\nline 2\n")
    world.step(number, "receive", "done", 0.1)
    with world.served() as port, cuttable(port) as line, person_at(chromium, at(line)) as page:
        page.goto(f"{at(line)}/apps/blog/builds/{number}")
        expect(page.locator("#follow-state")).to_have_text("Following")
        world.logs.append(f"jobs/{number}.log", "line 3\n\x1b[31mline 4\x1b[0m <b>\n")
        expect(page.locator("#L4")).to_have_text("line 4 <b>")
        expect(page.locator("#L4 .c31")).to_have_text("line 4")
        page.evaluate("window.stillTheSamePage = true")
        line.cut()
        world.logs.append(f"jobs/{number}.log", "".join(f"line {count}\n" for count in range(5, 40)))
        world.step(number, "build")
        world.logs.append(f"jobs/{number}.log", "line 40\n")
        expect(page.locator("#L40")).to_have_text("line 40")
        expect(page.locator("#build-steps")).to_contain_text("Build")
        world.end(number, "failed", result_message="The build failed", result_hint="look at line 40")
        world.logs.append(f"jobs/{number}.log", "")
        expect(page.get_by_role("alert")).to_contain_text("look at line 40")
        expect(page).to_have_title(f"Failed: blog #{number}")
        expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
        assert [line.removesuffix(" <b>") for line in page.locator("#log li").all_inner_texts()] == [
            f"line {count}" for count in range(1, 41)
        ]
        assert page.evaluate("window.stillTheSamePage")


def test_who_follows_a_build_when_the_session_ends_signs_in_and_is_back(world: WebWorld, chromium: Chromium) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "running", log="line 1\n")
    with world.served() as port, cuttable(port) as line, person_at(chromium, at(line)) as page:
        page.goto(f"{at(line)}/apps/blog/builds/{number}")
        expect(page.locator("#follow-state")).to_have_text("Following")
        with world.on.database.write() as session:
            session.execute(delete(WebSession))
        line.cut()
        world.logs.append(f"jobs/{number}.log", "line 2\n")
        page.wait_for_url("**/sign-in**")
        page.get_by_label("Name").fill("ana")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#L2")).to_have_text("line 2")
        world.end(number)
        world.logs.append(f"jobs/{number}.log", "")


def test_without_javascript_all_reads_and_works_the_same(world: WebWorld, chromium: Chromium) -> None:
    world.call(world.admin, "apps:create", name="blog")
    world.deployed("blog", versions=2)
    number = world.job("blog", "running", log="line 1\n")
    origin = "http://paas.example.com"
    with world.served() as port, person_at(chromium, f"{origin}:{port}", java_script_enabled=False) as page:
        page.goto(f"{origin}:{port}/apps/blog/builds/{number}")
        world.logs.append(f"jobs/{number}.log", "line 2\n")
        page.reload()
        assert page.locator("#log li").all_inner_texts() == ["line 1", "line 2"]
        page.get_by_role("button", name="Cancel", exact=True).click()
        page.wait_for_url(f"**/builds/{number}")
        page.goto(f"{origin}:{port}/apps/blog/deployments")
        page.get_by_role("button", name="Roll back to v1").click()
        page.wait_for_url("**/builds/*")
        expect(page.get_by_role("heading", name="Rollback")).to_be_visible()


@pytest.mark.parametrize("host", ["paas.example.com", "paas.localhost"])
def test_a_command_is_copied_with_and_without_the_browser_s_clipboard(
    sqlite_database: Database, chromium: Chromium, host: str
) -> None:
    """Over plain HTTP only localhost has navigator.clipboard."""
    world = WebWorld(sqlite_database, domain=host.removeprefix("paas."))
    with world.served() as port, person_at(chromium, f"http://{host}:{port}") as page:
        assert page.evaluate("!!navigator.clipboard") == (host == "paas.localhost")
        button = page.get_by_role("button", name="Copy git push paas main")
        button.click()
        expect(button).to_have_text("Copied")


def test_a_hostile_app_on_a_sibling_host_makes_the_dashboard_do_nothing(world: WebWorld, chromium: Chromium) -> None:
    """It is same-site: the browser sends our cookie along with what it posts."""
    world.call(world.admin, "apps:create", name="blog")
    with world.served() as port, person_at(chromium, f"http://paas.example.com:{port}") as page:
        home = f"http://paas.example.com:{port}"
        evil = {"body": "<body>", "content_type": "text/html"}
        page.context.route("http://evil.example.com/**", lambda route: route.fulfill(**evil))
        page.goto("http://evil.example.com/")
        page.evaluate(
            """home => { document.body.innerHTML = `<form method="post" action="${home}/do/apps:destroy">
                <input name="app" value="blog"></form>`; document.forms[0].submit(); }""",
            home,
        )
        page.wait_for_url(f"{home}/do/**")
        expect(page.locator("body")).to_contain_text("did not come from the dashboard")
        page.goto("http://evil.example.com/")
        attempts = """async home => {
            const said = [];
            for (const path of ["/do/apps:destroy", "/sign-out", "/api/v1/apps/blog"]) {
                const form = new URLSearchParams({app: "blog"});
                for (const mode of ["no-cors", "cors"]) {
                    try {
                        const how = {method: "POST", body: form, credentials: "include", mode};
                        said.push((await fetch(home + path, how)).type);
                    } catch (error) { said.push("refused"); }
                }
            }
            try { await (await fetch(home + "/apps", {credentials: "include"})).text(); said.push("read"); }
            catch (error) { said.push("refused"); }
            return said; }"""
        said = page.evaluate(attempts, home)
        assert "read" not in said and "cors" not in said and "basic" not in said
        page.set_content(f'<iframe src="{home}/apps"></iframe><script src="{home}/apps"></script>')
        page.wait_for_timeout(300)
        assert all("blog" not in (frame.content() if frame.url.startswith(home) else "") for frame in page.frames[1:])
        assert "paas=" not in page.evaluate("document.cookie")
        page.goto(f"{home}/apps")
        expect(page.get_by_role("link", name="blog", exact=True)).to_be_visible()  # there, and we are signed in


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_enough_and_phones_have_room_for_thumbs(
    world: WebWorld, chromium: Chromium, scheme: str
) -> None:
    """WCAG 2.2, 1.4.3: text at 4.5:1. Targets are 44 px on phones, and nothing is wider than the screen."""
    world.call(world.admin, "apps:create", name="blog")
    world.deployed("blog", versions=2)
    facts = {"log": "\x1b[31mone\x1b[0m\n", "result_message": "no"}
    numbers = [world.job("blog", state, **facts) for state in ("failed", "queued")]
    pages = ["/apps", "/apps/blog", "/apps/blog/deployments", *(f"/apps/blog/builds/{number}" for number in numbers)]
    with (
        world.served() as port,
        person_at(
            chromium, f"http://paas.example.com:{port}", color_scheme=scheme, viewport={"width": 375, "height": 812}
        ) as page,
    ):
        for path in [*pages, "/apps/blog/environment", "/apps/blog/domains", "/keys"]:
            page.goto(f"http://paas.example.com:{port}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 375, path
            assert page.evaluate(FAINT) == [], path
            small = [
                (button.inner_text(), box)
                for button in page.locator("button:visible, input:not([type=hidden], [type=checkbox]), select").all()
                if (box := button.bounding_box()) and box["height"] < 43.5
            ]
            assert small == [], path


FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (colour, under) => { canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1); canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = (values) => { const [r, g, b] = values.map((v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility({visibilityProperty: true}) || element.tagName === "OPTION") continue;
    const grounds = [];
    for (let up = element; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
    let ground = "white";
    for (const each of grounds) ground = `rgb(${rgb(each, ground).join(" ")})`;
    const [a, b] = [light(rgb(getComputedStyle(element).color, ground)), light(rgb(ground, "white"))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push([element.textContent.trim().slice(0, 30), ratio.toFixed(2)]);
  }
  return faint; }"""


def test_the_page_of_a_hundred_apps_is_small_and_asks_little(world: WebWorld) -> None:
    for number in range(100):
        world.call(world.admin, "apps:create", name=f"app-with-a-long-name-{number:03}")
    browser = world.browser(world.admin)
    browser.get("/apps")
    asked: list[str] = []
    engine_events.listen(world.on.database.engine, "before_cursor_execute", lambda *words: asked.append(words[2]))
    answer = browser.get("/apps")
    assert answer.text.count("app-with-a-long-name") >= 100 and len(answer.data) < 100_000
    assert len([text for text in asked if text.lstrip().startswith("SELECT")]) < 15


def test_a_long_log_does_not_make_a_long_page(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "failed", log="".join(f"\x1b[32mline\x1b[0m {count}\n" for count in range(1, 50_001)))
    text = world.browser(world.admin).get(f"/apps/blog/builds/{number}").text
    assert len(text) < 100_000 and '<li id="L50000">' in text and '<li id="L1">' not in text
