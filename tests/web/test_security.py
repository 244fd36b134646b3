"""Who can make the dashboard do something? Its own pages in the hands of who signed in, and nobody else."""

from __future__ import annotations

import json
import re

import pytest

from paas.model import Database, Event, WebSession, select
from tests.web.world import PASSWORD, WebWorld

OURS = "http://paas.example.com"


@pytest.mark.parametrize("path", ["/", "/apps", "/apps/blog", "/apps/blog/builds/1/stream", "/keys"])
def test_strangers_are_sent_to_the_sign_in_and_back(world: WebWorld, path: str) -> None:
    answer = world.browser().get(path)
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in?next=/")


def test_every_page_but_the_sign_in_and_the_assets_wants_a_person(world: WebWorld) -> None:
    browser = world.browser()
    for rule in world.flask.url_map.iter_rules():
        if not rule.endpoint.startswith("pages."):
            continue
        path = re.sub(r"<\w+>", "x", rule.rule)
        if "POST" in (rule.methods or ()):
            answer = browser.post(path, {})
            assert answer.status_code in (303, 403), rule
        elif rule.endpoint not in ("pages.sign_in", "pages.asset"):
            assert browser.get(path).headers["Location"].startswith("/sign-in"), rule


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://blog.example.com"},
        {"Origin": "null"},
        {"Origin": "https://paas.example.com"},
        {"Origin": "http://paas.example.com:8080"},
        {"Origin": OURS, "Sec-Fetch-Site": "same-site"},
        {"Origin": OURS, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": f"{OURS}.evil.example"},
    ],
)
def test_a_form_from_elsewhere_changes_nothing_even_with_the_token(world: WebWorld, headers: dict[str, str]) -> None:
    browser = world.browser(world.admin)
    form = {"csrf_token": browser.csrf(), "name": "blog"}
    answer = browser.post("/do/apps:create", form, headers=headers)
    assert answer.status_code == 403 and "cross-site" in answer.text
    assert browser.post("/sign-out", form, headers=headers).status_code == 403
    assert world.call(world.admin, "apps:list") == []
    assert browser.get("/apps").status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": OURS}, {"Sec-Fetch-Site": "same-origin"}])
def test_either_word_of_the_browser_is_enough(world: WebWorld, headers: dict[str, str]) -> None:
    browser = world.browser(world.admin)
    form = {"csrf_token": browser.csrf(), "name": "blog", "next": "/apps"}
    assert browser.post("/do/apps:create", form, headers=headers).status_code == 303
    assert [app.name for app in world.call(world.admin, "apps:list")] == ["blog"]


@pytest.mark.parametrize("token", ["", "0" * 64, "é", "\udcff", "x" * 10_000])
def test_a_form_without_the_token_changes_nothing(world: WebWorld, token: str) -> None:
    browser = world.browser(world.admin)
    for path in ("/do/apps:create", "/sign-out"):
        answer = browser.post(path, {"csrf_token": token.encode("utf-8", "surrogateescape"), "name": "blog"})
        assert answer.status_code == 403 and "expired" in answer.text
    assert world.call(world.admin, "apps:list") == []


def test_another_session_s_token_is_no_token(world: WebWorld) -> None:
    theirs = world.browser(world.member).csrf()
    mine = world.browser(world.admin)
    assert mine.post("/do/apps:create", {"csrf_token": theirs, "name": "blog"}).status_code == 403


def test_signing_in_needs_the_token_of_this_browser(world: WebWorld) -> None:
    form = {"name": "ana", "password": PASSWORD, "csrf_token": world.browser().csrf("/sign-in")}
    answer = world.browser().post("/sign-in", form)  # a form that another page filled in (login CSRF)
    assert answer.status_code == 403


def test_a_session_begins_with_a_secret_that_nobody_knew_before(world: WebWorld) -> None:
    browser = world.browser()
    token = browser.csrf("/sign-in")
    before = browser.client.get_cookie("paas", domain="paas.example.com")
    browser.post("/sign-in", {"name": "ana", "password": PASSWORD, "csrf_token": token})
    after = browser.client.get_cookie("paas", domain="paas.example.com")
    assert before is not None and after is not None and before.value != after.value
    with world.on.database.read() as session:
        assert after.value not in {row.id for row in session.scalars(select(WebSession))}  # hashes are kept


def test_signing_in_again_ends_the_session_before(world: WebWorld) -> None:
    browser = world.browser(world.member)
    old = browser.client.get_cookie("paas", domain="paas.example.com")
    assert old is not None
    browser.post("/sign-in", {"name": "ana", "password": PASSWORD, "csrf_token": browser.csrf()})
    thief = world.browser()
    thief.client.set_cookie("paas", old.value, domain="paas.example.com")
    assert thief.get("/apps").status_code == 303


def test_signing_out_ends_the_session_on_our_side(world: WebWorld) -> None:
    browser = world.browser(world.admin)
    cookie = browser.client.get_cookie("paas", domain="paas.example.com")
    assert cookie is not None
    assert browser.post("/sign-out", {"csrf_token": browser.csrf()}).status_code == 303
    thief = world.browser()
    thief.client.set_cookie("paas", cookie.value, domain="paas.example.com")
    assert thief.get("/apps").status_code == 303


def test_the_cookie_on_plain_http_is_host_only_and_hidden_from_scripts(world: WebWorld) -> None:
    said = world.browser().get("/sign-in").headers["Set-Cookie"]
    assert said.startswith("paas=") and "HttpOnly" in said and "SameSite=Lax" in said and "Path=/" in said
    assert "Domain" not in said and "Secure" not in said


def test_the_cookie_on_https_has_the_host_prefix(sqlite_database: Database) -> None:
    world = WebWorld(sqlite_database, tls_cert="/x/cert.pem", tls_key="/x/key.pem")
    browser = world.browser()
    form = {"name": "ana", "password": PASSWORD, "csrf_token": browser.csrf("/sign-in")}
    answer = browser.post("/sign-in", form)
    said = answer.headers["Set-Cookie"]
    assert said.startswith("__Host-paas=") and "Secure" in said and "HttpOnly" in said and "Domain" not in said
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert browser.get("/apps").status_code == 200


def test_a_second_cookie_of_the_name_that_an_app_set_counts_as_none(world: WebWorld) -> None:
    browser = world.browser(world.admin)
    cookie = browser.client.get_cookie("paas", domain="paas.example.com")
    assert cookie is not None
    for value in (f"paas={cookie.value}; paas=tossed", f"paas=tossed; paas={cookie.value}"):
        answer = world.flask.test_client(use_cookies=False).get("/apps", base_url=OURS, headers={"Cookie": value})
        assert answer.status_code == 303


@pytest.mark.parametrize(
    "host", ["evil.example", "blog.example.com", "localhost", "127.0.0.1", "paas.example.com.evil", "[", "a b", ""]
)
def test_other_hosts_get_nothing(world: WebWorld, host: str) -> None:
    answer = world.flask.test_client().get("/sign-in", headers={"Host": host})
    assert answer.status_code == 400 and "password" not in answer.text.lower()


def test_without_a_domain_any_address_of_the_machine_will_do(sqlite_database: Database) -> None:
    world = WebWorld(sqlite_database, domain="localhost", http_port=8080)
    for host in ("paas.localhost:8080", "localhost:8080", "192.0.2.7:8080"):
        browser = world.browser(world.admin, origin=f"http://{host}")
        assert browser.do("ssh-keys:remove", name="x").status_code == 404  # let through, and refused for what it says
    assert world.flask.test_client().get("/sign-in", headers={"Host": "[2001:db8::7]:8080"}).status_code == 200
    assert world.flask.test_client().get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


def test_ten_wrong_passwords_lock_the_account_and_the_address(world: WebWorld) -> None:
    browser = world.browser()
    for _ in range(world.on.settings.login_failures):
        assert browser.sign_in("ana", "wrong").status_code == 401
    answer = browser.sign_in("ana", PASSWORD)
    assert answer.status_code == 429 and "wait 15 minutes" in answer.text
    assert browser.sign_in("ben", PASSWORD).status_code == 429  # the same address
    world.clock.advance(world.on.settings.login_lockout + 1)
    assert browser.sign_in("ana", PASSWORD).status_code == 303
    with world.on.database.read() as session:
        results = list(session.scalars(select(Event.result).where(Event.action == "sign-in").order_by(Event.id)))
    assert results == ["unauthenticated"] * 10 + ["ok"]


def test_a_refused_sign_in_does_not_tell_whether_there_is_such_an_account(world: WebWorld) -> None:
    for name in ("ana", "nobody", "", "é\udcff", "a\0b", "x" * 5000):
        answer = world.browser().post(
            "/sign-in", {"name": name.encode("utf-8", "surrogateescape"), "password": "no", "csrf_token": "0"}
        )
        assert answer.status_code == 403
    texts = set()
    for name in ("ana", "nobody"):
        answer = world.browser().sign_in(name, "wrong")
        texts.add(re.sub(r'value="[^"]*"', "", answer.text))
        assert answer.status_code == 401
    assert len(texts) == 1
    assert world.browser().sign_in("a\0b" + "x" * 5000, "wrong").status_code == 401


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\tx", "evil"])
def test_nobody_is_sent_to_a_strangers_page_after_signing_in(world: WebWorld, target: str) -> None:
    browser = world.browser()
    form = {"name": "ana", "password": PASSWORD, "csrf_token": browser.csrf("/sign-in"), "next": target}
    assert browser.post("/sign-in", form).headers["Location"] == "/apps"


def test_a_form_that_was_not_ours_is_not_offered_again(world: WebWorld) -> None:
    """Else a stranger's page fills in its own key, and ours asks but for a click."""
    browser = world.browser(world.admin)
    form = {"csrf_token": browser.csrf(), "name": "mine", "public_key": "ssh-ed25519 AAAAevil x"}
    ours = browser.post("/do/ssh-keys:add", form)
    assert ours.status_code == 422 and "AAAAevil" in ours.text and "Try again" in ours.text
    for headers, token in (({"Origin": "http://evil.example.com"}, form["csrf_token"]), (None, "0" * 64)):
        theirs = browser.post("/do/ssh-keys:add", {**form, "csrf_token": token}, headers)
        assert theirs.status_code == 403 and "AAAAevil" not in theirs.text and "Try again" not in theirs.text


def test_every_answer_is_hardened_and_kept_by_nobody(world: WebWorld) -> None:
    browser = world.browser(world.admin)
    for path in ("/sign-in", "/apps", "/nowhere", "/api/v1/apps", "/api/v1/nowhere", "/apps/nobodys"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin" and "Server" not in headers


def test_no_page_has_a_script_or_a_style_in_it(world: WebWorld) -> None:
    browser = world.browser(world.admin)
    world.call(world.admin, "apps:create", name="blog")
    number = world.job("blog", "failed", log="one\n", result_message="no")
    for path in ("/sign-in", "/apps", "/apps/blog", f"/apps/blog/builds/{number}", "/apps/blog/environment", "/keys"):
        text = browser.get(path).text
        assert not re.search(r"<style|style=|\son\w+=|<script(?! type=\"module\" src=)|javascript:", text), path


def test_what_an_error_says_tells_nothing_of_our_code(world: WebWorld) -> None:
    def break_down() -> str:
        raise RuntimeError("secret detail")

    world.flask.add_url_rule("/broken", view_func=break_down)
    world.flask.add_url_rule("/api/v1/broken", "broken2", view_func=break_down)
    page = world.browser(world.admin).get("/broken")
    assert page.status_code == 500 and "reference" in page.text and "secret detail" not in page.text
    answer = world.api(world.admin, "GET", "/broken")
    assert answer.status_code == 500 and set(json.loads(answer.text)) == {"code", "message", "hint"}


def test_what_strangers_wrote_is_shown_as_text(world: WebWorld) -> None:
    world.call(world.admin, "apps:create", name="blog")
    nasty = "<script>alert(1)</script>\x1b]0;title\x07\x1b[2J\x9b31m\u202e\x00 \x1b[31mred\x1b[0m"
    number = world.job("blog", "failed", log=nasty + "\n", result_message=nasty, created_by=nasty)
    browser = world.browser(world.admin)
    for path in (f"/apps/blog/builds/{number}", "/apps/blog", "/apps/blog/deployments"):
        text = browser.get(path).text
        assert "<script>alert" not in text and "\x1b" not in text and "\x07" not in text and "\x9b" not in text
    assert '<span class="c31">red</span>' in browser.get(f"/apps/blog/builds/{number}").text
